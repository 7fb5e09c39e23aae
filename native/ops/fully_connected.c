/* FULLY_CONNECTED: a gemm over [rows, depth]; threads share the units. */
#include "fc_blockwise.h"
#include "fc_dynamic.h"
#include "kernels/float.h"
#include "shape.h"
#include "spread.h"
#include "wide_units.h"

/* How the product is computed. */
typedef enum er_fc_form {
  GEMM_S8,  /* packed int8 weights */
  GEMV_S8,  /* one row, weights as they lie in the file */
  GEMV_W4,  /* the same with weights of 4 bits */
  WIDE,     /* int16 rows */
  GEMM_F32, /* packed floats */
  ROWS_F32, /* floats as they lie in the file, or computed while running */
  DYNAMIC,  /* float rows, quantized while running */
  BLOCKWISE /* the same, 4-bit weights in blocks */
} er_fc_form;

typedef struct er_fc {
  er_fc_shape shape;
  er_linear linear;
  er_fc_form form;
  const void *weights;       /* as the form wants them; NULL: floats computed while running */
  const int32_t *bias;       /* GEMV: [units] less the zero point's part */
  const er_gemv_s8 *gemv;    /* GEMV */
  const er_gemm_s8 *gemm;    /* GEMM_S8 */
  int32_t depth;             /* WIDE: padded */
  er_wide_units wide;        /* GEMM_S8 */
  er_dynamic dynamic;        /* DYNAMIC */
  er_fc_blockwise blockwise; /* BLOCKWISE */
  int32_t step;              /* threads share the units in multiples of this */
} er_fc;

enum { FEW_ROWS = 4 }; /* below this packing float weights does not pay */

enum { SLOT_ACTIVATION, SLOT_WEIGHTS_FORMAT, SLOT_KEEP_NUM_DIMS };

/* The output's shape: the input's with the last dimension replaced, or [rows, units]. */
static edgert_status declare(er_plan *plan, const er_node *node, const er_fc_shape *shape) {
  const er_tensor *input = er_plan_input(plan, node, 0);
  int32_t dims[EDGERT_MAX_RANK] = {shape->rows, shape->units};
  int32_t rank = 2;
  if (er_bool(node->options, SLOT_KEEP_NUM_DIMS, false)) {
    if (input->rank < 1 || input->dims[input->rank - 1] != shape->depth) {
      return er_plan_fail(plan, node, EDGERT_MALFORMED,
                          "keeps its dimensions, so the last of '%s' must be %d", input->name,
                          (int)shape->depth);
    }
    rank = input->rank;
    for (int32_t d = 0; d < rank - 1; ++d) dims[d] = input->dims[d];
    dims[rank - 1] = shape->units;
  }
  return er_plan_set_shape(plan, node, 0, rank, dims);
}

static edgert_status read_shape(er_plan *plan, const er_node *node, er_fc_shape *shape) {
  const er_tensor *input = er_plan_input(plan, node, 0);
  const er_tensor *weights = er_plan_input(plan, node, 1);
  if (er_i8(node->options, SLOT_WEIGHTS_FORMAT, 0) != 0) {
    return er_plan_fail(plan, node, EDGERT_UNSUPPORTED,
                        "has shuffled weights; only the default order is known");
  }
  if (weights->rank != 2 || input->count % weights->dims[1] != 0 ||
      input->count / weights->dims[1] > INT32_MAX) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED,
                        "has weights '%s' of rank %d, and %lld inputs; allowed are weights [units, "
                        "depth] with inputs a multiple of depth",
                        weights->name, (int)weights->rank, (long long)input->count);
  }
  shape->units = weights->dims[0];
  shape->depth = weights->dims[1];
  shape->rows = (int32_t)(input->count / shape->depth);
  return declare(plan, node, shape);
}

static edgert_status plan_float(er_plan *plan, er_node *node, er_fc *fc) {
  const er_tensor *weights = er_plan_input(plan, node, 1), *bias = er_plan_input(plan, node, 2);
  const er_gemm_f32 *gemm = &er_plan_kernels(plan)->gemm_f32;
  fc->form = ROWS_F32;
  fc->step = 1;
  node->kernel = er_plan_kernels(plan)->fc_f32.name;
  if (weights->constant == NULL) return EDGERT_OK;
  const float *values = er_float_weights(plan, weights);
  fc->weights = values;
  if (values == NULL) return er_plan_no_memory(plan);
  if (fc->shape.rows < FEW_ROWS || (bias && !bias->constant)) return EDGERT_OK;
  void *packed = er_plan_alloc(plan, er_packed_f32(gemm, fc->shape.units, fc->shape.depth));
  if (packed == NULL) return er_plan_no_memory(plan);
  er_pack_f32(gemm, fc->shape.units, fc->shape.depth, values, false, bias ? bias->constant : NULL,
              packed);
  fc->form = GEMM_F32;
  fc->weights = packed;
  fc->step = gemm->unit_step;
  node->kernel = gemm->name;
  return EDGERT_OK;
}

static edgert_status plan_dynamic(er_plan *plan, er_node *node, const er_linear_tensors *tensors,
                                  er_fc *fc) {
  fc->form = DYNAMIC;
  node->kernel = "fc_dynamic";
  ER_TRY(er_dynamic_plan(plan, tensors, &fc->linear, 1, &fc->dynamic));
  node->scratch_bytes = er_fc_dynamic_scratch(&fc->dynamic, fc->shape.rows, er_plan_threads(plan));
  return EDGERT_OK;
}

static edgert_status plan_wide(er_plan *plan, er_node *node, er_fc *fc) {
  fc->form = WIDE;
  fc->step = ER_UNIT_STEP;
  fc->depth = er_round_up(fc->shape.depth, ER_DEPTH_STEP);
  fc->weights = er_pack_rows(plan, er_plan_input(plan, node, 1), fc->shape.units, 1);
  if (fc->weights == NULL) return er_plan_no_memory(plan);
  node->scratch_bytes = (size_t)fc->shape.rows * (size_t)fc->depth * sizeof(int16_t);
  node->kernel = fc->linear.arithmetic == ER_S8_LINEAR ? "fc_wide_s8" : "fc_wide_s16";
  return EDGERT_OK;
}

static er_weights_s8 weights_of(const er_fc *fc, const int8_t *values) {
  return (er_weights_s8){.units = fc->shape.units,
                         .depth = fc->shape.depth,
                         .values = values,
                         .bias = fc->linear.requant.bias,
                         .scale = fc->linear.requant.scale,
                         .input_zero_point = fc->linear.zero_point,
                         .range = er_linear_range(&fc->linear)};
}

/* @param form GEMV_S8 or GEMV_W4 */
static edgert_status plan_gemv(er_plan *plan, er_node *node, er_fc_form form, er_fc *fc) {
  const er_tensor *tensor = er_plan_input(plan, node, 1);
  const er_weights_s8 weights = weights_of(fc, er_weights_as_int8(plan, tensor));
  int32_t *bias = er_plan_alloc(plan, (size_t)weights.units * sizeof *bias);
  if (bias == NULL || weights.values == NULL) return er_plan_no_memory(plan);
  for (int32_t u = 0; u < weights.units; ++u) {
    bias[u] = er_bias_less_zero_point(&weights, u, (int64_t)u * weights.depth, 1);
  }
  const er_kernels *kernels = er_plan_kernels(plan);
  fc->form = form;
  fc->step = 1;
  fc->bias = bias;
  fc->gemv = form == GEMV_W4 ? &kernels->gemv_w4 : &kernels->gemv_s8;
  fc->weights = tensor->constant;
  if (form == GEMV_W4) node->scratch_bytes = (size_t)weights.depth;
  node->kernel = fc->gemv->name;
  return EDGERT_OK;
}

static edgert_status plan_gemm(er_plan *plan, er_node *node, const er_linear_tensors *tensors,
                               er_fc *fc) {
  const er_tensor *tensor = er_plan_input(plan, node, 1);
  const er_gemm_s8 *gemm = tensor->type == EDGERT_INT4 ? &er_plan_kernels(plan)->gemm_w4
                                                       : &er_plan_kernels(plan)->gemm_s8;
  void *packed = er_plan_alloc(plan, gemm->packed_bytes(fc->shape.units, fc->shape.depth));
  const int8_t *values = er_weights_as_int8(plan, tensor);
  if (packed == NULL || values == NULL) return er_plan_no_memory(plan);
  const er_weights_s8 weights = weights_of(fc, values);
  gemm->pack(&weights, packed);
  fc->form = GEMM_S8;
  fc->gemm = gemm;
  fc->step = gemm->unit_step;
  fc->weights = packed;
  node->kernel = gemm->name;
  return er_take_wide_units(plan, tensors, &fc->linear, &fc->wide);
}

static bool is_for_gemv_w4(const er_plan *plan, const er_tensor *weights) {
  const int32_t depth = weights->dims[1];
  return weights->type == EDGERT_INT4 && er_plan_kernels(plan)->gemv_w4.name != NULL &&
         depth % ER_DEPTH_STEP_W4 == 0 && depth <= ER_MOST_DEPTH_W4;
}

static edgert_status plan_integer(er_plan *plan, er_node *node, const er_linear_tensors *tensors,
                                  er_fc *fc) {
  if (!er_is_fast(tensors, &fc->linear)) return plan_wide(plan, node, fc);
  if (fc->shape.rows > 1) return plan_gemm(plan, node, tensors, fc);
  if (tensors->weights->type == EDGERT_INT8) return plan_gemv(plan, node, GEMV_S8, fc);
  return is_for_gemv_w4(plan, tensors->weights) ? plan_gemv(plan, node, GEMV_W4, fc)
                                                : plan_gemm(plan, node, tensors, fc);
}

static edgert_status choose_form(er_plan *plan, er_node *node, const er_linear_tensors *tensors,
                                 er_fc *fc) {
  if (fc->linear.arithmetic != ER_FLOAT_LINEAR) return plan_integer(plan, node, tensors, fc);
  return er_is_dynamic(tensors, &fc->linear, fc->shape.depth)
             ? plan_dynamic(plan, node, tensors, fc)
             : plan_float(plan, node, fc);
}

static edgert_status prepare(er_plan *plan, er_node *node) {
  ER_TRY(er_plan_want_counts(plan, node, 2, 3, 1));
  er_fc *fc = er_plan_alloc(plan, sizeof *fc);
  if (fc == NULL) return er_plan_no_memory(plan);
  er_bounds bounds;
  ER_TRY(er_want_activation(plan, node, SLOT_ACTIVATION, &bounds));
  ER_TRY(read_shape(plan, node, &fc->shape));
  const er_linear_tensors tensors = {.input = er_plan_input(plan, node, 0),
                                     .weights = er_plan_input(plan, node, 1),
                                     .bias = er_plan_input(plan, node, 2),
                                     .output = er_plan_output(plan, node, 0),
                                     .units = fc->shape.units,
                                     .axis = 0};
  if (tensors.weights->quant.block > 0) {
    fc->form = BLOCKWISE;
    ER_TRY(er_fc_blockwise_plan(plan, node, &fc->shape, bounds, &fc->blockwise));
  } else {
    ER_TRY(er_prepare_linear(plan, node, &tensors, bounds, &fc->linear));
    ER_TRY(choose_form(plan, node, &tensors, fc));
  }
  node->macs = tensors.input->count * fc->shape.units;
  node->data = fc;
  return EDGERT_OK;
}

/* What a thread needs. */
typedef struct er_job {
  const er_fc *fc;
  const er_kernels *kernels;
  const void *rows; /* the input; WIDE: widened; GEMV_W4: apart */
  const void *weights;
  const float *bias; /* floats */
  void *output;
} er_job;

/* The units [first, last) of each form. */

static void gemm_s8(const er_job *job, int32_t first, int32_t last) {
  const er_fc *fc = job->fc;
  const er_gemm_s8_call call = {.rows = fc->shape.rows,
                                .depth = fc->shape.depth,
                                .units = fc->shape.units,
                                .input = job->rows,
                                .input_stride = fc->shape.depth,
                                .packed = job->weights,
                                .first = first,
                                .last = last,
                                .range = er_linear_range(&fc->linear),
                                .output = job->output,
                                .output_stride = fc->shape.units};
  fc->gemm->run(&call);
  job->kernels->wide_units_rows(&fc->wide, call.rows, call.input, first, last, call.output,
                                call.output_stride);
}

static void gemv(const er_job *job, int32_t first, int32_t last) {
  const er_fc *fc = job->fc;
  const int32_t unit_bytes = fc->form == GEMV_W4 ? fc->shape.depth / 2 : fc->shape.depth;
  const er_gemv_s8_call call = {
      .depth = fc->shape.depth,
      .input = job->rows,
      .values = (const int8_t *)job->weights + (int64_t)first * unit_bytes,
      .bias = fc->bias + first,
      .scale = fc->linear.requant.scale + first,
      .units = last - first,
      .range = er_linear_range(&fc->linear),
      .output = (int8_t *)job->output + first};
  fc->gemv->run(&call);
}

static void wide(const er_job *job, int32_t first, int32_t last) {
  const er_fc *fc = job->fc;
  if (fc->linear.arithmetic == ER_S8_LINEAR) {
    job->kernels->gemm_wide_s8(fc->shape.rows, fc->depth, job->rows, job->weights,
                               &fc->linear.requant, (uint8_t *)job->output + first, fc->shape.units,
                               first, last);
  } else {
    er_gemm_wide_s16(fc->shape.rows, fc->depth, job->rows, job->weights, &fc->linear.wide,
                     (int16_t *)job->output + first, fc->shape.units, first, last);
  }
}

static void gemm_f32(const er_job *job, int32_t first, int32_t last) {
  const er_fc *fc = job->fc;
  const er_gemm_f32_call call = {.rows = fc->shape.rows,
                                 .depth = fc->shape.depth,
                                 .units = fc->shape.units,
                                 .input = job->rows,
                                 .input_stride = fc->shape.depth,
                                 .packed = job->weights,
                                 .first = first,
                                 .last = last,
                                 .low = fc->linear.bounds.low,
                                 .high = fc->linear.bounds.high,
                                 .output = job->output,
                                 .output_stride = fc->shape.units};
  job->kernels->gemm_f32.run(&call);
}

static void rows_f32(const er_job *job, int32_t first, int32_t last) {
  const er_fc *fc = job->fc;
  job->kernels->fc_f32.run(&fc->shape, job->rows, job->weights, job->bias, fc->linear.bounds.low,
                           fc->linear.bounds.high, job->output, first, last);
}

static void (*const forms[])(const er_job *job, int32_t first, int32_t last) = {
    [GEMM_S8] = gemm_s8, [GEMV_S8] = gemv,      [GEMV_W4] = gemv,
    [WIDE] = wide,       [GEMM_F32] = gemm_f32, [ROWS_F32] = rows_f32};

/* Threads share steps of units, so that each starts where a packed panel starts. */
static void work(void *arg, int32_t first, int32_t last, int32_t thread) {
  const er_job *job = arg;
  const int32_t units = job->fc->shape.units;
  (void)thread;
  forms[job->fc->form](job, first * job->fc->step, er_steps_end(last, job->fc->step, units));
}

/* Input rows, widened and padded to fc->depth (the pad meets zero weights, but must be defined). */
static void widen_rows(const er_fc *fc, const void *input, int16_t *rows) {
  for (int32_t r = 0; r < fc->shape.rows; ++r, rows += fc->depth) {
    er_widen(fc->linear.type, input, (int64_t)r * fc->shape.depth, fc->shape.depth,
             fc->linear.zero_point, rows);
    for (int32_t d = fc->shape.depth; d < fc->depth; ++d) rows[d] = 0;
  }
}

/* The input of even places, then that of odd ones. */
static void part_places(int32_t depth, const int8_t *input, int8_t *parts) {
  for (int32_t i = 0; i < depth / 2; ++i) {
    parts[i] = input[2 * i];
    parts[depth / 2 + i] = input[2 * i + 1];
  }
}

static edgert_status run(const er_run *run, const er_node *node) {
  const er_fc *fc = node->data;
  er_job job = {.fc = fc,
                .kernels = run->kernels,
                .rows = er_in_data(run, node, 0),
                .weights = fc->weights != NULL ? fc->weights : er_in_data(run, node, 1),
                .bias = er_in_data(run, node, 2),
                .output = er_out_data(run, node, 0)};
  if (fc->form == DYNAMIC) {
    er_fc_dynamic_run(run, &fc->dynamic, fc->shape.rows, job.rows, job.bias, job.output);
    return EDGERT_OK;
  }
  if (fc->form == BLOCKWISE) {
    er_fc_blockwise_run(run, &fc->blockwise, job.rows, job.bias, job.output);
    return EDGERT_OK;
  }
  if (fc->form == WIDE) {
    widen_rows(fc, job.rows, run->scratch);
    job.rows = run->scratch;
  }
  if (fc->form == GEMV_W4) {
    part_places(fc->shape.depth, job.rows, run->scratch);
    job.rows = run->scratch;
  }
  er_parallel(run, er_steps(fc->shape.units, fc->step), work, &job);
  return EDGERT_OK;
}

const er_op er_op_fully_connected = {
    .builtin = 9, .name = "FULLY_CONNECTED", .prepare = prepare, .run = run};
