#include "fc_blockwise.h"

#include <math.h>
#include <string.h>

#include "linear.h"
#include "shape.h"
#include "spread.h"

/* ---- planning -------------------------------------------------------------------------------- */

/* LiteRT keeps block scales as bfloat16: to the nearest, ties to even. */
static float to_bfloat16(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  bits = (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000;
  memcpy(&value, &bits, sizeof bits);
  return value;
}

static edgert_status want_types(er_plan *plan, const er_node *node, const er_fc_shape *shape) {
  const int32_t floats[] = {EDGERT_FLOAT32, -1}, nibbles[] = {EDGERT_INT4, -1};
  const er_tensor *weights = er_plan_input(plan, node, 1), *bias = er_plan_input(plan, node, 2);
  ER_TRY(er_plan_want_type(plan, node, er_plan_input(plan, node, 0), floats));
  ER_TRY(er_plan_want_type(plan, node, er_plan_output(plan, node, 0), floats));
  ER_TRY(er_plan_want_type(plan, node, weights, nibbles));
  ER_TRY(er_want_constant(plan, node, weights, "weights"));
  if (bias) ER_TRY(er_plan_want_type(plan, node, bias, floats));
  if (bias && bias->count != shape->units) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED, "has %lld biases for %d output channels",
                        (long long)bias->count, (int)shape->units);
  }
  if (weights->quant.block % ER_BLOCK_STEP == 0 && shape->depth % 2 == 0) return EDGERT_OK;
  return er_plan_fail(plan, node, EDGERT_UNSUPPORTED,
                      "has weights in blocks of %d; multiples of %d are known",
                      (int)weights->quant.block, ER_BLOCK_STEP);
}

/* @return scales [units, depth / block], gone after prepare */
static edgert_status read_scales(er_plan *plan, const er_node *node, const er_tensor *weights,
                                 const float **scales) {
  const er_tensor *tensor = er_plan_tensor(plan, node, weights->quant.block_scales);
  const int32_t types[] = {EDGERT_FLOAT16, EDGERT_FLOAT32, -1};
  const int64_t count = weights->count / weights->quant.block;
  ER_TRY(er_plan_want_type(plan, node, tensor, types));
  ER_TRY(er_want_constant(plan, node, tensor, "scales"));
  if (tensor->count != count) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED, "has %lld scales for %lld blocks of weights",
                        (long long)tensor->count, (long long)count);
  }
  float *values = er_plan_borrow(plan, (size_t)count * sizeof *values);
  if (!values) return er_plan_no_memory(plan);
  if (tensor->type == EDGERT_FLOAT16) {
    er_half_to_float(count, tensor->constant, values);
  } else {
    memcpy(values, tensor->constant, (size_t)count * sizeof *values);
  }
  for (int64_t i = 0; i < count; i++) {
    values[i] = to_bfloat16(values[i]);
    if (!isfinite(values[i]) || values[i] < 0.0f) {
      return er_plan_fail(plan, node, EDGERT_MALFORMED,
                          "has scale %g for block %lld; it must be finite and not negative",
                          (double)values[i], (long long)i);
    }
  }
  *scales = values;
  return EDGERT_OK;
}

static size_t quant_at(const er_fc_shape *s) {
  return er_align_up((size_t)s->rows * (size_t)s->depth + ER_OVERREAD);
}

static size_t sums_at(const er_fc_shape *s) {
  return quant_at(s) + er_align_up((size_t)s->rows * sizeof(er_row_quant));
}

edgert_status er_fc_blockwise_plan(er_plan *plan, er_node *node, const er_fc_shape *shape,
                                   er_bounds bounds, er_fc_blockwise *fc) {
  const er_tensor *weights = er_plan_input(plan, node, 1);
  const er_kernels *kernels = er_plan_kernels(plan);
  const int32_t block = weights->quant.block;
  *fc = (er_fc_blockwise){&kernels->gemm_w4b, kernels, *shape, block, bounds, NULL};
  ER_TRY(want_types(plan, node, shape));
  er_weights_w4b parts = {shape->units, shape->depth, block, weights->constant, NULL};
  ER_TRY(read_scales(plan, node, weights, &parts.scale));
  void *packed = er_plan_alloc(plan, fc->gemm->packed_bytes(shape->units, shape->depth, block));
  if (!packed) return er_plan_no_memory(plan);
  fc->gemm->pack(&parts, packed);
  fc->packed = packed;
  node->kernel = fc->gemm->name;
  node->scratch_bytes =
      sums_at(shape) + (size_t)shape->rows * (size_t)(shape->depth / block) * sizeof(int32_t);
  return EDGERT_OK;
}

/* ---- running --------------------------------------------------------------------------------- */

typedef struct er_job {
  const er_fc_blockwise *fc;
  const float *input, *bias;
  float *output;
  int8_t *quantized;   /* [rows, depth] */
  er_row_quant *quant; /* [rows] */
  int32_t *block_sums; /* [rows, depth / block] */
} er_job;

static void quantize(void *arg, int64_t first, int64_t last) {
  const er_job *job = arg;
  const er_fc_shape *s = &job->fc->shape;
  const int32_t block = job->fc->block, blocks = s->depth / block;
  for (int64_t r = first; r < last; r++) {
    int8_t *row = job->quantized + r * s->depth;
    job->quant[r] = job->fc->kernels->quantize_row(s->depth, job->input + r * s->depth, row);
    for (int32_t b = 0; b < blocks; b++) {
      int32_t sum = 0;
      for (int32_t d = b * block; d < (b + 1) * block; d++) sum += row[d];
      job->block_sums[r * blocks + b] = sum;
    }
  }
}

static void work(void *arg, int32_t first, int32_t last, int32_t thread) {
  const er_job *job = arg;
  const er_fc_blockwise *fc = job->fc;
  (void)thread;
  const er_gemm_w4b_call call = {.rows = fc->shape.rows,
                                 .depth = fc->shape.depth,
                                 .block = fc->block,
                                 .units = fc->shape.units,
                                 .input = job->quantized,
                                 .quant = job->quant,
                                 .block_sums = job->block_sums,
                                 .packed = fc->packed,
                                 .first = first * fc->gemm->unit_step,
                                 .last = er_steps_end(last, fc->gemm->unit_step, fc->shape.units),
                                 .bias = job->bias,
                                 .low = fc->bounds.low,
                                 .high = fc->bounds.high,
                                 .output = job->output};
  fc->gemm->run(&call);
}

void er_fc_blockwise_run(const er_run *run, const er_fc_blockwise *fc, const float *input,
                         const float *bias, float *output) {
  char *scratch = run->scratch;
  er_job job = {fc,
                input,
                bias,
                output,
                (int8_t *)scratch,
                (er_row_quant *)(void *)(scratch + quant_at(&fc->shape)),
                (int32_t *)(void *)(scratch + sums_at(&fc->shape))};
  er_spread(run, fc->shape.rows, fc->shape.depth, quantize, &job);
  er_parallel(run, er_steps(fc->shape.units, fc->gemm->unit_step), work, &job);
}
