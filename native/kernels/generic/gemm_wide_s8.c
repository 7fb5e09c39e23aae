#include "kernels/generic/generic.h"

#define TILE 4   /* rows at once */
#define BLOCK 32 /* units whose sums are kept before they are requantized together */

/* Sums of four rows with two units, a row of sums BLOCK after the last: eight independent sums keep
 * a SIMD unit busy. */
static void dot_4x2(int32_t depth, const int16_t *restrict rows, const int16_t *restrict weights,
                    int32_t *sums) {
  const int16_t *a0 = rows, *a1 = a0 + depth, *a2 = a1 + depth, *a3 = a2 + depth;
  const int16_t *b0 = weights, *b1 = b0 + depth;
  int32_t s00 = 0, s01 = 0, s10 = 0, s11 = 0, s20 = 0, s21 = 0, s30 = 0, s31 = 0;
  const int32_t steps = depth / ER_DEPTH_STEP * ER_DEPTH_STEP;
  for (int32_t d = 0; d < steps; ++d) {
    s00 += a0[d] * b0[d];
    s01 += a0[d] * b1[d];
    s10 += a1[d] * b0[d];
    s11 += a1[d] * b1[d];
    s20 += a2[d] * b0[d];
    s21 += a2[d] * b1[d];
    s30 += a3[d] * b0[d];
    s31 += a3[d] * b1[d];
  }
  sums[0] = s00, sums[1] = s01;
  sums[BLOCK] = s10, sums[BLOCK + 1] = s11;
  sums[2 * BLOCK] = s20, sums[2 * BLOCK + 1] = s21;
  sums[3 * BLOCK] = s30, sums[3 * BLOCK + 1] = s31;
}

static void dot_1x2(int32_t depth, const int16_t *restrict row, const int16_t *restrict weights,
                    int32_t *sums) {
  const int16_t *b1 = weights + depth;
  int32_t s0 = 0, s1 = 0;
  const int32_t steps = depth / ER_DEPTH_STEP * ER_DEPTH_STEP;
  for (int32_t d = 0; d < steps; ++d) {
    s0 += row[d] * weights[d];
    s1 += row[d] * b1[d];
  }
  sums[0] = s0, sums[1] = s1;
}

static void finish(int32_t units, int32_t *sums, const er_requant *requant, int32_t unit,
                   uint8_t *output) {
  for (int32_t u = 0; u < units; ++u) sums[u] += requant->bias[unit + u];
  er_requantize(units, sums, requant->scale + unit, requant->zero_point, requant->low,
                requant->high, output);
}

static void block(int32_t count, int32_t depth, const int16_t *rows, const int16_t *weights,
                  const er_requant *requant, uint8_t *output, int64_t stride, int32_t unit,
                  int32_t units) {
  int32_t sums[TILE * BLOCK];
  int32_t r = 0;
  for (; r + TILE <= count; r += TILE) {
    for (int32_t u = 0; u < units; u += ER_UNIT_STEP) {
      dot_4x2(depth, rows + (int64_t)r * depth, weights + (int64_t)(unit + u) * depth, sums + u);
    }
    for (int32_t i = 0; i < TILE; ++i) {
      finish(units, sums + i * BLOCK, requant, unit, output + (r + i) * stride);
    }
  }
  for (; r < count; ++r) {
    for (int32_t u = 0; u < units; u += ER_UNIT_STEP) {
      dot_1x2(depth, rows + (int64_t)r * depth, weights + (int64_t)(unit + u) * depth, sums + u);
    }
    finish(units, sums, requant, unit, output + r * stride);
  }
}

void er_gemm_wide_s8(int32_t count, int32_t depth, const int16_t *rows, const int16_t *weights,
                     const er_requant *requant, uint8_t *output, int64_t stride, int32_t first,
                     int32_t last) {
  for (int32_t unit = first; unit < last; unit += BLOCK) {
    const int32_t units = last - unit < BLOCK ? last - unit : BLOCK;
    block(count, depth, rows, weights, requant, output + (unit - first), stride, unit, units);
  }
}
