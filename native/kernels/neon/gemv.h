/* The frame of the products of one row; each instruction set adds 16 products its own way. */
#ifndef ER_NEON_GEMV_H
#define ER_NEON_GEMV_H

#include <string.h>

#include "kernels/neon/settle.h"

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

/* @param add16 adds 16 products to either of a unit's sums, or to both: two chains of additions
 * @param rows weights of four units, nothing readable behind their `depth`
 * @param input may be read beyond its depth */
ER_INLINE int32x4_t er_gemv_four_units(void (*add16)(int32x4_t sums[2], int8x16_t, int8x16_t),
                                       const int8_t *const rows[4], const int8_t *input,
                                       int32_t depth) {
  int32x4_t sums[4][2];
  ER_UNROLL for (int u = 0; u < 4; u++) sums[u][0] = sums[u][1] = vdupq_n_s32(0);
  int32_t i = 0;
  for (; i + 16 <= depth; i += 16) {
    const int8x16_t in = vld1q_s8(input + i);
    ER_UNROLL for (int u = 0; u < 4; u++) add16(sums[u], vld1q_s8(rows[u] + i), in);
  }
  if (i < depth) {
    int8_t rest[4][16] = {{0}};
    for (int32_t u = 0; u < 4; u++) memcpy(rest[u], rows[u] + i, (size_t)(depth - i));
    const int8x16_t in = vld1q_s8(input + i);
    ER_UNROLL for (int u = 0; u < 4; u++) add16(sums[u], vld1q_s8(rest[u]), in);
  }
  return er_add_lanes(vaddq_s32(sums[0][0], sums[0][1]), vaddq_s32(sums[1][0], sums[1][1]),
                      vaddq_s32(sums[2][0], sums[2][1]), vaddq_s32(sums[3][0], sums[3][1]));
}

/* Where fewer than four are left, the last unit stands in for the others. */
ER_INLINE void er_gemv_for_units(const er_gemv_s8_call *c,
                                 int32x4_t (*four_units)(const int8_t *const rows[4],
                                                         const int8_t *input, int32_t depth)) {
  const er_settle_neon settle = er_settle_neon_of(c->range);
  for (int32_t u = 0; u < c->units; u += 4) {
    const int32_t count = c->units - u < 4 ? c->units - u : 4;
    const int8_t *rows[4];
    int32_t bias[4];
    float scale[4];
    for (int32_t i = 0; i < 4; i++) {
      const int32_t unit = u + (i < count ? i : count - 1);
      rows[i] = c->values + (int64_t)unit * c->depth;
      bias[i] = c->bias[unit];
      scale[i] = c->scale[unit];
    }
    const int32x4_t sums = vaddq_s32(four_units(rows, c->input, c->depth), vld1q_s32(bias));
    const int32x4_t q = er_scale_neon(ER_SATURATED, sums, vld1q_f32(scale), scale, &settle);
    const int16x8_t wide = er_saturated(ER_IN_ORDER, q, q);
    int8_t bytes[16];
    const int16x8_t placed = vqaddq_s16(wide, settle.zero_point);
    vst1q_s8(bytes, er_bytes_neon(ER_SATURATED, placed, placed, &settle));
    memcpy(c->output + u, bytes, (size_t)count);
  }
}

#endif
