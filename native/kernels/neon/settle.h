/* From sums to stored integers in vectors: clamp(rint(float(acc) * scale) + zero_point), as
 * er_settle does it. Saturating before the clamp changes nothing: the bounds are inside of every
 * range here. */
#ifndef ER_NEON_SETTLE_H
#define ER_NEON_SETTLE_H

#include <arm_neon.h>

#include "kernels/linear_kernels.h"
#include "kernels/neon/unroll.h"

typedef struct er_settle_neon {
  int16x8_t zero_point;
  int8x16_t low, high;
} er_settle_neon;

ER_INLINE er_settle_neon er_settle_neon_of(er_range_s8 range) {
  return (er_settle_neon){vdupq_n_s16((int16_t)range.zero_point), vdupq_n_s8((int8_t)range.low),
                          vdupq_n_s8((int8_t)range.high)};
}

/* To the nearest, ties to even. */
ER_INLINE int32x4_t er_rint_neon(float32x4_t value) {
#ifdef __aarch64__
  return vcvtnq_s32_f32(value);
#else
  /* ARMv7 converts towards zero only: within +-2^15 (beyond, int8 saturates anyway) adding 1.5 *
   * 2^23 leaves no bits for a fraction. */
  const float32x4_t magic = vdupq_n_f32(12582912.0f), most = vdupq_n_f32(32768.0f);
  value = vminq_f32(vmaxq_f32(value, vnegq_f32(most)), most);
  return vsubq_s32(vreinterpretq_s32_f32(vaddq_f32(value, magic)), vreinterpretq_s32_f32(magic));
#endif
}

ER_INLINE int32x4_t er_scale_neon(int32x4_t acc, float32x4_t scale) {
  return er_rint_neon(vmulq_f32(vcvtq_f32_s32(acc), scale));
}

/* Two vectors of integers in units of the output. */
ER_INLINE int16x8_t er_narrow_neon(int32x4_t a, int32x4_t b, int16x8_t zero_point) {
#ifdef __aarch64__
  return vqaddq_s16(vqmovn_high_s32(vqmovn_s32(a), b), zero_point);
#else
  return vqaddq_s16(vcombine_s16(vqmovn_s32(a), vqmovn_s32(b)), zero_point);
#endif
}

ER_INLINE int8x16_t er_bytes_neon(int16x8_t a, int16x8_t b, const er_settle_neon *s) {
#ifdef __aarch64__
  const int8x16_t q = vqmovn_high_s16(vqmovn_s16(a), b);
#else
  const int8x16_t q = vcombine_s8(vqmovn_s16(a), vqmovn_s16(b));
#endif
  return vminq_s8(vmaxq_s8(q, s->low), s->high);
}

ER_INLINE int8x8_t er_bytes8_neon(int16x8_t a, const er_settle_neon *s) {
  return vmin_s8(vmax_s8(vqmovn_s16(a), vget_low_s8(s->low)), vget_low_s8(s->high));
}

/* Eight sums to integers that lack only the last narrowing. */
ER_INLINE int16x8_t er_settle8_neon(int32x4_t a, int32x4_t b, float32x4_t a_scale,
                                    float32x4_t b_scale, const er_settle_neon *s) {
  return er_narrow_neon(er_scale_neon(a, a_scale), er_scale_neon(b, b_scale), s->zero_point);
}

/* The first `count` bytes, 1..8. */
ER_INLINE void er_store_part8_neon(int8_t *to, int8x8_t value, int32_t count) {
  if (count == 8) {
    vst1_s8(to, value);
    return;
  }
  if (count & 4) {
    __builtin_memcpy(to, &(int32_t){vget_lane_s32(vreinterpret_s32_s8(value), 0)}, 4);
    to += 4;
    value = vext_s8(value, value, 4);
  }
  if (count & 2) {
    __builtin_memcpy(to, &(int16_t){vget_lane_s16(vreinterpret_s16_s8(value), 0)}, 2);
    to += 2;
    value = vext_s8(value, value, 2);
  }
  if (count & 1) *to = vget_lane_s8(value, 0);
}

/* The first `count` bytes, 1..16. */
ER_INLINE void er_store_part_neon(int8_t *to, int8x16_t value, int32_t count) {
  if (count == 16) {
    vst1q_s8(to, value);
  } else if (count > 8) {
    vst1_s8(to, vget_low_s8(value));
    er_store_part8_neon(to + 8, vget_high_s8(value), count - 8);
  } else {
    er_store_part8_neon(to, vget_low_s8(value), count);
  }
}

#endif
