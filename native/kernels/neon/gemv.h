/* The frame of the products of one row; each instruction set adds 16 bytes of weights its own way.
 */
#ifndef ER_NEON_GEMV_H
#define ER_NEON_GEMV_H

#include <string.h>

#include "kernels/neon/settle.h"

/* Adds the products of 16 bytes of a unit's weights to either of its sums, or to both: two chains
 * of additions.
 * @param input [2] what meets them: 16 bytes, or 16 for the low nibbles and 16 for the high ones */
typedef void er_gemv_add(int32x4_t sums[2], int8x16_t weights, const int8x16_t input[2]);

/* The sums of four vectors, each in a lane. */
ER_INLINE int32x4_t er_add_lanes(int32x4_t a, int32x4_t b, int32x4_t c, int32x4_t d) {
#ifdef __aarch64__
  return vpaddq_s32(vpaddq_s32(a, b), vpaddq_s32(c, d));
#else
  const int32x2_t ab = vpadd_s32(vpadd_s32(vget_low_s32(a), vget_high_s32(a)),
                                 vpadd_s32(vget_low_s32(b), vget_high_s32(b)));
  const int32x2_t cd = vpadd_s32(vpadd_s32(vget_low_s32(c), vget_high_s32(c)),
                                 vpadd_s32(vget_low_s32(d), vget_high_s32(d)));
  return vcombine_s32(ab, cd);
#endif
}

/* @param rows weights of four units, nothing readable behind their `bytes`
 * @param input may be read beyond its end
 * @param half 0, or bytes from the input of the low nibbles to that of the high ones */
ER_INLINE int32x4_t er_gemv_four_units(er_gemv_add *add, const int8_t *const rows[4],
                                       const int8_t *input, const int32_t bytes,
                                       const int32_t half) {
  int32x4_t sums[4][2];
  ER_UNROLL for (int u = 0; u < 4; u++) sums[u][0] = sums[u][1] = vdupq_n_s32(0);
  int32_t i = 0;
  for (; i + 16 <= bytes; i += 16) {
    const int8x16_t in[2] = {vld1q_s8(input + i), vld1q_s8(input + half + i)};
    ER_UNROLL for (int u = 0; u < 4; u++) add(sums[u], vld1q_s8(rows[u] + i), in);
  }
  if (half == 0 && i < bytes) { /* of 4 bits none are left */
    int8_t rest[4][16] = {{0}};
    for (int32_t u = 0; u < 4; u++) memcpy(rest[u], rows[u] + i, (size_t)(bytes - i));
    const int8x16_t in[2] = {vld1q_s8(input + i), vld1q_s8(input + half + i)};
    ER_UNROLL for (int u = 0; u < 4; u++) add(sums[u], vld1q_s8(rest[u]), in);
  }
  return er_add_lanes(vaddq_s32(sums[0][0], sums[0][1]), vaddq_s32(sums[1][0], sums[1][1]),
                      vaddq_s32(sums[2][0], sums[2][1]), vaddq_s32(sums[3][0], sums[3][1]));
}

/* @param count 1..4 units
 * @param[out] output [count] of the call's, from `first` on */
void er_gemv_settle(const er_gemv_s8_call *c, const er_settle_neon *settle, int32_t first,
                    int32_t count, int32x4_t sums);

/* Where fewer than four are left, the last unit stands in for the others.
 * @param shift what `add` multiplies its products by: 2^shift
 * @param pairs whether a byte holds two weights */
ER_INLINE void er_gemv_for_units(const er_gemv_s8_call *c, er_gemv_add *add, const int shift,
                                 const bool pairs) {
  const er_settle_neon settle = er_settle_neon_of(c->range);
  const int32_t bytes = pairs ? c->depth / 2 : c->depth;
  for (int32_t u = 0; u < c->units; u += 4) {
    const int32_t count = c->units - u < 4 ? c->units - u : 4;
    const int8_t *rows[4];
    for (int32_t i = 0; i < 4; i++) {
      rows[i] = (const int8_t *)c->values + (int64_t)(u + (i < count ? i : count - 1)) * bytes;
    }
    int32x4_t sums = er_gemv_four_units(add, rows, c->input, bytes, pairs ? bytes : 0);
    if (shift > 0) sums = vshlq_s32(sums, vdupq_n_s32(-shift));
    er_gemv_settle(c, &settle, u, count, sums);
  }
}

#endif
