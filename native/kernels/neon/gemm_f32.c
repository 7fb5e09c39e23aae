/* float32 gemm: a panel holds 8 units, FMLA takes each input by lane. Packed: [8 biases][depth][8].
 */
#include <string.h>

#include "kernels/neon/intrinsics.h"
#include "kernels/neon/layer.h"
#include "kernels/neon/unroll.h"
#include "kernels/rows_f32.h"

#ifdef __aarch64__
enum { ROWS = 8 };
#define MULTIPLY_ADD(sum, w, a, lane) vfmaq_laneq_f32(sum, w, a, lane)
#define MULTIPLY_ADD_ONE(sum, w, a) vfmaq_n_f32(sum, w, a)
#else
enum { ROWS = 4 }; /* there are 16 vector registers, not 32 */
#define MULTIPLY_ADD(sum, w, a, lane) \
  vmlaq_lane_f32(sum, w, (lane) < 2 ? vget_low_f32(a) : vget_high_f32(a), (lane) % 2)
#define MULTIPLY_ADD_ONE(sum, w, a) vmlaq_n_f32(sum, w, a)
#endif
enum { UNITS = 8 };

/* The sums of one row to its output; only whole vectors are written in one go. */
ER_INLINE void store(const float32x4_t sum[2], const er_gemm_f32_call *c, int32_t units,
                     float *to) {
  const float32x4_t low = vdupq_n_f32(c->low), high = vdupq_n_f32(c->high);
  const float32x4_t a = vminq_f32(vmaxq_f32(sum[0], low), high);
  const float32x4_t b = vminq_f32(vmaxq_f32(sum[1], low), high);
  if (units >= UNITS) {
    vst1q_f32(to, a);
    vst1q_f32(to + 4, b);
  } else {
    float both[UNITS];
    vst1q_f32(both, a);
    vst1q_f32(both + 4, b);
    memcpy(to, both, (size_t)units * sizeof *to);
  }
}

#define STEP(lane)                                              \
  {                                                             \
    const float32x4_t w0 = vld1q_f32(w), w1 = vld1q_f32(w + 4); \
    ER_UNROLL for (int r = 0; r < rows; r++) {                  \
      acc[r][0] = MULTIPLY_ADD(acc[r][0], w0, a[r], lane);      \
      acc[r][1] = MULTIPLY_ADD(acc[r][1], w1, a[r], lane);      \
    }                                                           \
    w += UNITS;                                                 \
  }

/* Rows from `row` on, the next ones of the walk, times the panel of unit `first`. */
ER_INLINE void tile(const int rows, const er_gemm_f32_call *c, int32_t first, int32_t row,
                    er_rows_f32 *walk) {
  const float *w = (const float *)c->packed + (int64_t)first * (c->depth + 1);
  const float *input[ROWS];
  float32x4_t acc[ROWS][2], a[ROWS];
  ER_UNROLL for (int r = 0; r < rows; r++) {
    input[r] = er_rows_f32_next(c, walk);
    acc[r][0] = vld1q_f32(w);
    acc[r][1] = vld1q_f32(w + 4);
  }
  w += UNITS;
  int64_t start = 0;
  for (int32_t n = er_segments(c); n > 0; n--, start += c->segment_stride) {
    const int64_t end = start + c->depth / er_segments(c);
    int64_t d = start;
    for (; d + 4 <= end; d += 4) {
      ER_UNROLL for (int r = 0; r < rows; r++) a[r] = vld1q_f32(input[r] + d);
      STEP(0)
      STEP(1)
      STEP(2)
      STEP(3)
    }
    for (; d < end; d++, w += UNITS) {
      const float32x4_t w0 = vld1q_f32(w), w1 = vld1q_f32(w + 4);
      ER_UNROLL for (int r = 0; r < rows; r++) {
        acc[r][0] = MULTIPLY_ADD_ONE(acc[r][0], w0, input[r][d]);
        acc[r][1] = MULTIPLY_ADD_ONE(acc[r][1], w1, input[r][d]);
      }
    }
  }
  float *to = c->output + row * c->output_stride + first;
  ER_UNROLL for (int r = 0; r < rows; r++)
      store(acc[r], c, c->last - first, to + r * c->output_stride);
}

static void run(const er_gemm_f32_call *c) {
  for (int32_t u = c->first; u < c->last; u += UNITS) {
    er_rows_f32 walk = er_rows_f32_of(c);
    int32_t row = 0;
    for (; row + ROWS <= c->rows; row += ROWS) tile(ROWS, c, u, row, &walk);
    for (; row + 2 <= c->rows; row += 2) tile(2, c, u, row, &walk);
    if (row < c->rows) tile(1, c, u, row, &walk);
  }
}

const er_gemm_f32 er_gemm_f32_neon = {
    .name = "gemm_f32_neon", .unit_step = UNITS, .row_step = ROWS, .run = run};
