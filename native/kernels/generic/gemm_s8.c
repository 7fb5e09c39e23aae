/* int8 gemm: the oracle. The packed form is the corrected biases, the scales, then the rows. */
#include <string.h>

#include "kernels/generic/generic.h"
#include "kernels/rounding.h"

static size_t packed_bytes(int32_t units, int32_t depth) {
  return (size_t)units * (sizeof(int32_t) + sizeof(float) + (size_t)depth);
}

int32_t er_bias_less_zero_point(const er_weights_s8 *weights, int32_t unit, int64_t first,
                                int64_t step) {
  int32_t sum = 0;
  for (int32_t d = 0; d < weights->depth; d++) sum += weights->values[first + d * step];
  return (int32_t)((uint32_t)weights->bias[unit] -
                   (uint32_t)weights->input_zero_point * (uint32_t)sum);
}

static void pack(const er_weights_s8 *weights, void *packed) {
  const size_t units = (size_t)weights->units;
  int32_t *bias = packed;
  float *scale = (float *)(bias + units);
  for (int32_t u = 0; u < weights->units; u++) {
    bias[u] = er_bias_less_zero_point(weights, u, (int64_t)u * weights->depth, 1);
  }
  memcpy(scale, weights->scale, units * sizeof *scale);
  memcpy(scale + units, weights->values, units * (size_t)weights->depth);
}

static uint32_t dot(int32_t depth, const int8_t *a, const int8_t *b) {
  int32_t sum = 0;
  for (int32_t d = 0; d < depth; d++) sum += a[d] * b[d];
  return (uint32_t)sum;
}

/* Row r with the weights of unit u, piece by piece. */
static uint32_t row_sum(const er_gemm_s8_call *c, int32_t r, int32_t u, const int8_t *values) {
  const int32_t width = c->width > 0 ? c->width : c->rows;
  const int8_t *row = c->input + r / width * c->line_stride + r % width * c->input_stride;
  if (c->segments <= 1) return dot(c->depth, row, values);
  const int32_t left = r % width == 0 ? c->left.bytes : 0;
  const int32_t right = r % width == width - 1 ? c->right.bytes : 0;
  const int32_t *instead = left > 0 ? c->left.instead : right > 0 ? c->right.instead : c->instead;
  const int32_t depth = c->depth / c->segments, last = c->segments - c->behind;
  uint32_t sum = instead ? (uint32_t)instead[u] : 0;
  row += left - c->left.bytes;
  for (int32_t s = c->before; s < last; s++, row += c->segment_stride) {
    sum += dot(depth - left - right, row, values + s * depth + left);
  }
  return sum;
}

static void run(const er_gemm_s8_call *c) {
  const int32_t *bias = c->packed;
  const float *scale = (const float *)(bias + c->units);
  const int8_t *values = (const int8_t *)(scale + c->units);
  for (int32_t r = 0; r < c->rows; r++) {
    for (int32_t u = c->first; u < c->last; u++) {
      const uint32_t sum = row_sum(c, r, u, values + (int64_t)u * c->depth);
      const int32_t acc = (int32_t)(sum + (uint32_t)bias[u]);
      c->output[r * c->output_stride + u] = (int8_t)er_settle(
          (float)acc * scale[u], c->range.zero_point, c->range.low, c->range.high);
    }
  }
}

static void sums(const er_gemm_s8_call *c, int32_t *sums, int64_t sums_stride) {
  const int32_t *bias = c->packed;
  const int8_t *values = (const int8_t *)(bias + 2 * (int64_t)c->units);
  for (int32_t r = 0; r < c->rows; r++) {
    for (int32_t u = c->first; u < c->last; u++) {
      const uint32_t sum = row_sum(c, r, u, values + (int64_t)u * c->depth);
      sums[r * sums_stride + u - c->first] = (int32_t)(sum + (uint32_t)bias[u]);
    }
  }
}

const er_gemm_s8 er_gemm_s8_generic = {.name = "gemm_s8_generic",
                                       .unit_step = 1,
                                       .row_step = 1,
                                       .segment_step = 1,
                                       .line_step = 1,
                                       .cuts = true,
                                       .packed_bytes = packed_bytes,
                                       .pack = pack,
                                       .run = run,
                                       .sums = sums};
