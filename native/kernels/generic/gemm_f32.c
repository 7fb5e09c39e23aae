/* float32 gemm. Weights are packed as [block of 8 units][bias, then depth][8], so that the
 * innermost loop runs over 8 neighbouring floats: one or two vectors on every machine. */
#include <string.h>

#include "kernels/generic/generic.h"
#include "kernels/rows_f32.h"

enum { BLOCK = 8, TILE = 4 }; /* units in a block, rows in a tile */

/* sums[t][j] = bias[j] + row t . packed[:, j], the depth in its natural order.
 * @param rows [TILE] pointers  @param packed [1 + segments * depth, BLOCK] */
static void multiply(const er_gemm_f32_call *c, const float *const rows[TILE], const float *packed,
                     float sums[TILE][BLOCK]) {
  float s0[BLOCK], s1[BLOCK], s2[BLOCK], s3[BLOCK];
  for (int32_t j = 0; j < BLOCK; j++) s0[j] = s1[j] = s2[j] = s3[j] = packed[j];
  packed += BLOCK;
  int64_t start = 0;
  for (int32_t n = er_segments(c); n > 0; n--, start += c->segment_stride) {
    for (int64_t d = start, end = start + c->depth / er_segments(c); d < end; d++) {
      const float a0 = rows[0][d], a1 = rows[1][d], a2 = rows[2][d], a3 = rows[3][d];
      for (int32_t j = 0; j < BLOCK; j++) {
        s0[j] += a0 * packed[j];
        s1[j] += a1 * packed[j];
        s2[j] += a2 * packed[j];
        s3[j] += a3 * packed[j];
      }
      packed += BLOCK;
    }
  }
  memcpy(sums[0], s0, sizeof s0);
  memcpy(sums[1], s1, sizeof s1);
  memcpy(sums[2], s2, sizeof s2);
  memcpy(sums[3], s3, sizeof s3);
}

/* NaN stays NaN. */
static void store(const float *sums, int32_t count, float low, float high, float *output) {
  for (int32_t j = 0; j < count; j++) {
    const float bounded = sums[j] < low ? low : sums[j];
    output[j] = bounded > high ? high : bounded;
  }
}

static void run(const er_gemm_f32_call *c) {
  const float *packed = c->packed;
  er_rows_f32 walk = er_rows_f32_of(c);
  for (int32_t r = 0; r < c->rows; r += TILE) {
    const int32_t count = c->rows - r < TILE ? c->rows - r : TILE;
    const float *rows[TILE];
    for (int32_t t = 0; t < TILE; t++) {
      rows[t] = t < count ? er_rows_f32_next(c, &walk) : rows[0];
    }
    for (int32_t u = c->first; u < c->last; u += BLOCK) {
      float sums[TILE][BLOCK];
      multiply(c, rows, packed + (int64_t)u * (c->depth + 1), sums);
      for (int32_t t = 0; t < count; t++) {
        store(sums[t], c->last - u < BLOCK ? c->last - u : BLOCK, c->low, c->high,
              c->output + (r + t) * c->output_stride + u);
      }
    }
  }
}

const er_gemm_f32 er_gemm_f32_generic = {
    .name = "gemm_f32_generic", .unit_step = BLOCK, .row_step = TILE, .run = run};
