/* 4-bit weights in blocks: the oracle. The packed form is k of each unit, the scales, then the
 * weights one a byte. */
#include <math.h>
#include <string.h>

#include "kernels/generic/generic.h"
#include "kernels/load.h"

static int32_t blocks_of(int32_t depth, int32_t block) { return depth / block; }

static size_t packed_bytes(int32_t units, int32_t depth, int32_t block) {
  return (size_t)units * (sizeof(float) * (1 + (size_t)blocks_of(depth, block)) + (size_t)depth);
}

static float sum_of_weights(const er_weights_w4b *w, int32_t unit) {
  const int32_t blocks = blocks_of(w->depth, w->block);
  float k = 0.0f;
  for (int32_t b = 0; b < blocks; b++) {
    int32_t sum = 0;
    for (int32_t d = b * w->block; d < (b + 1) * w->block; d++) {
      sum += er_nibble_at(w->values, (int64_t)unit * w->depth + d);
    }
    k = fmaf((float)sum, w->scale[(int64_t)unit * blocks + b], k);
  }
  return k;
}

static void pack(const er_weights_w4b *w, void *packed) {
  const int32_t blocks = blocks_of(w->depth, w->block);
  float *k = packed, *scale = k + w->units;
  int8_t *values = (int8_t *)(scale + (int64_t)w->units * blocks);
  for (int32_t u = 0; u < w->units; u++) k[u] = sum_of_weights(w, u);
  memcpy(scale, w->scale, (size_t)w->units * (size_t)blocks * sizeof *scale);
  for (int64_t i = 0; i < (int64_t)w->units * w->depth; i++) values[i] = er_nibble_at(w->values, i);
}

/* Sum over the blocks of one row and unit. */
static float row_times_unit(const er_gemm_w4b_call *c, const int8_t *row, const int8_t *values,
                            const float *scale, float start) {
  float sum = start;
  for (int32_t b = 0; b < blocks_of(c->depth, c->block); b++) {
    int32_t products = 0;
    for (int32_t d = b * c->block; d < (b + 1) * c->block; d++) products += row[d] * values[d];
    sum = fmaf((float)products, scale[b], sum);
  }
  return sum;
}

static void run(const er_gemm_w4b_call *c) {
  const int32_t blocks = blocks_of(c->depth, c->block);
  const float *k = c->packed, *scale = k + c->units;
  const int8_t *values = (const int8_t *)(scale + (int64_t)c->units * blocks);
  for (int32_t r = 0; r < c->rows; r++) {
    const er_row_quant quant = c->quant[r];
    for (int32_t u = c->first; u < c->last; u++) {
      const float sum =
          row_times_unit(c, c->input + (int64_t)r * c->depth, values + (int64_t)u * c->depth,
                         scale + (int64_t)u * blocks, -(float)quant.zero_point * k[u]);
      const float product = sum * quant.scale;
      const float value = c->bias ? product + c->bias[u] : product;
      const float bounded = value < c->low ? c->low : value;
      c->output[(int64_t)r * c->units + u] = bounded > c->high ? c->high : bounded;
    }
  }
}

const er_gemm_w4b er_gemm_w4b_generic = {.name = "gemm_w4b_generic",
                                         .unit_step = 1,
                                         .packed_bytes = packed_bytes,
                                         .pack = pack,
                                         .run = run};
