/* FULLY_CONNECTED: a gemm over [rows, depth]; threads share the units. */
#include "kernels/float.h"
#include "linear.h"
#include "shape.h"

typedef struct er_fc {
  er_fc_shape shape;
  er_linear linear;
  const void *weights; /* packed int16, or floats; NULL: floats computed while running */
  int32_t depth;       /* padded */
} er_fc;

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
  const er_tensor *weights = er_plan_input(plan, node, 1);
  node->kernel = "fc_f32_generic";
  if (weights->constant == NULL) return EDGERT_OK;
  fc->weights = er_float_weights(plan, weights);
  return fc->weights == NULL ? er_plan_no_memory(plan) : EDGERT_OK;
}

static edgert_status plan_integer(er_plan *plan, er_node *node, er_fc *fc) {
  fc->depth = er_round_up(fc->shape.depth, ER_DEPTH_STEP);
  fc->weights = er_pack_rows(plan, er_plan_input(plan, node, 1), fc->shape.units, 1);
  if (fc->weights == NULL) return er_plan_no_memory(plan);
  node->scratch_bytes = (size_t)fc->shape.rows * (size_t)fc->depth * sizeof(int16_t);
  node->kernel = fc->linear.arithmetic == ER_S8_LINEAR ? "fc_s8_generic" : "fc_s16_generic";
  return EDGERT_OK;
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
  ER_TRY(er_prepare_linear(plan, node, &tensors, bounds, &fc->linear));
  ER_TRY(fc->linear.arithmetic == ER_FLOAT_LINEAR ? plan_float(plan, node, fc)
                                                  : plan_integer(plan, node, fc));
  node->macs = tensors.input->count * fc->shape.units;
  node->data = fc;
  return EDGERT_OK;
}

/* What a thread needs. */
typedef struct er_job {
  const er_fc *fc;
  const void *rows; /* int16 widened, or the float input */
  const void *weights;
  const float *bias;
  void *output;
} er_job;

/* Units come in steps of ER_UNIT_STEP, so that a thread starts where a packed pair starts. */
static void work_integer(void *arg, int32_t first, int32_t last, int32_t thread) {
  const er_job *job = arg;
  const er_fc *fc = job->fc;
  const er_kernels *kernels = er_best_kernels();
  const int32_t begin = first * ER_UNIT_STEP;
  const int32_t end = last * ER_UNIT_STEP < fc->shape.units ? last * ER_UNIT_STEP : fc->shape.units;
  (void)thread;
  if (fc->linear.arithmetic == ER_S8_LINEAR) {
    kernels->gemm_s8(fc->shape.rows, fc->depth, job->rows, job->weights, &fc->linear.requant,
                     (uint8_t *)job->output + begin, fc->shape.units, begin, end);
  } else {
    kernels->gemm_s16(fc->shape.rows, fc->depth, job->rows, job->weights, &fc->linear.wide,
                      (int16_t *)job->output + begin, fc->shape.units, begin, end);
  }
}

static void work_float(void *arg, int32_t first, int32_t last, int32_t thread) {
  const er_job *job = arg;
  const er_fc *fc = job->fc;
  (void)thread;
  er_fc_f32(&fc->shape, job->rows, job->weights, job->bias, fc->linear.bounds.low,
            fc->linear.bounds.high, job->output, first, last);
}

/* Input rows, widened and padded to fc->depth (the pad meets zero weights, but must be defined). */
static void widen_rows(const er_fc *fc, const void *input, int16_t *rows) {
  for (int32_t r = 0; r < fc->shape.rows; ++r, rows += fc->depth) {
    er_widen(fc->linear.type, input, (int64_t)r * fc->shape.depth, fc->shape.depth,
             fc->linear.zero_point, rows);
    for (int32_t d = fc->shape.depth; d < fc->depth; ++d) rows[d] = 0;
  }
}

static edgert_status run(const er_run *run, const er_node *node) {
  const er_fc *fc = node->data;
  er_job job = {fc, er_in_data(run, node, 0),
                fc->weights != NULL ? fc->weights : er_in_data(run, node, 1),
                er_in_data(run, node, 2), er_out_data(run, node, 0)};
  if (fc->linear.arithmetic == ER_FLOAT_LINEAR) {
    er_parallel(run, fc->shape.units, work_float, &job);
    return EDGERT_OK;
  }
  widen_rows(fc, job.rows, run->scratch);
  job.rows = run->scratch;
  er_parallel(run, er_round_up(fc->shape.units, ER_UNIT_STEP) / ER_UNIT_STEP, work_integer, &job);
  return EDGERT_OK;
}

const er_op er_op_fully_connected = {
    .builtin = 9, .name = "FULLY_CONNECTED", .prepare = prepare, .run = run};
