/* Settling without conversions, which are slow on cores like the A76 (one pipe, two cycles a
 * vector). MAGIC = 1.5 * 2^23 is a float whose unit in the last place is 1: the bits of MAGIC plus
 * an integer n, |n| < 2^22, are the float MAGIC + n, and adding MAGIC to a float rounds it to an
 * integer, ties to even, that its low bits show. So a sum that starts at the bits of MAGIC becomes
 *   FSUB  float(acc) = sum - MAGIC, exact
 *   FMUL  * scale
 *   FADD  + MAGIC; the low 16 bits are the rounded integer
 * when |acc| < 2^22 and |acc * scale| < 2^15, which er_fits_magic proves from the weights. */
#ifndef ER_MAGIC_H
#define ER_MAGIC_H

#include "kernels/neon/settle.h"

#define ER_MAGIC 12582912.0f
#define ER_MAGIC_BITS 0x4B400000

/** Whether a unit's sums stay in range for any input.
 * @param bias less the input zero point's part  @param step between the unit's weights */
static inline bool er_fits_magic(int32_t bias, float scale, const int8_t *values, int32_t depth,
                                 int64_t step) {
  int64_t most = bias < 0 ? -(int64_t)bias : bias;
  for (int32_t d = 0; d < depth; d++)
    most += 128 * (values[d * step] < 0 ? -values[d * step] : values[d * step]);
  return most < 1 << 22 && (float)most * scale < 32000.0f;
}

ER_INLINE float32x4_t er_scale_magic(int32x4_t sum, float32x4_t scale, float32x4_t magic) {
  const float32x4_t acc = vsubq_f32(vreinterpretq_f32_s32(sum), magic);
  return vaddq_f32(vmulq_f32(acc, scale), magic);
}

/* Eight sums to integers that lack only the last narrowing. */
ER_INLINE int16x8_t er_settle8_magic(int32x4_t a, int32x4_t b, float32x4_t a_scale,
                                     float32x4_t b_scale, const er_settle_neon *s) {
  const float32x4_t magic = vdupq_n_f32(ER_MAGIC);
  const int16x8_t low = vreinterpretq_s16_f32(er_scale_magic(a, a_scale, magic));
  const int16x8_t high = vreinterpretq_s16_f32(er_scale_magic(b, b_scale, magic));
  return vqaddq_s16(vuzp1q_s16(low, high), s->zero_point);
}

#endif
