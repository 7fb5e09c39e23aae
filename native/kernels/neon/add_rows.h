/* ADD and SUB of 8-bit integers: (a * ma + b * mb + constant) >> shift. */
#ifndef ER_NEON_ADD_ROWS_H
#define ER_NEON_ADD_ROWS_H

#include "kernels/kernels.h"
#include "kernels/neon/bytes.h"

/* Sixteen bytes in order, each in a word of its own: as int8, or of 0..255 as uint8. */
typedef void er_widen_bytes(int8x16_t bytes, int32x4_t wide[4]);

typedef struct er_add_constants {
  int32_t constant[4];
  int32_t a_multiplier, b_multiplier;
  int16x8_t right; /* 16 - shift: the upper halves of the sums are shifted by the rest */
} er_add_constants;

ER_INLINE int16x8_t er_upper_halves(int32x4_t a, int32x4_t b) {
  return vuzpq_s16(vreinterpretq_s16_s32(a), vreinterpretq_s16_s32(b)).val[1];
}

ER_INLINE int8x16_t er_add_sixteen(er_widen_bytes *widen, const enum er_settling how, int8x16_t a,
                                   int8x16_t b, const er_add_constants *k,
                                   const er_settle_neon *settle) {
  const int32_t *constant = k->constant;
  int32x4_t x[4], y[4], sum[4];
  int16x8_t q[2];
  widen(a, x);
  widen(b, y);
  ER_UNROLL for (int i = 0; i < 4; i++) {
    ER_AGAIN(constant); /* a copy would take a slot of the vector pipes */
    sum[i] = vmlaq_n_s32(vld1q_s32(constant), x[i], k->a_multiplier);
    sum[i] = vmlaq_n_s32(sum[i], y[i], k->b_multiplier);
  }
  ER_UNROLL for (int i = 0; i < 2; i++) {
    const int16x8_t shifted = vshlq_s16(er_upper_halves(sum[2 * i], sum[2 * i + 1]), k->right);
    q[i] = vqaddq_s16(shifted, settle->zero_point);
  }
  return er_bytes_neon(how, q[0], q[1], settle);
}

/* All sums fit int32 (see the generic kernel); parts of the constant may wrap.
 * @param less what is taken off a and b before they are multiplied */
ER_INLINE int32_t er_add_constant(const er_add_s8 *p, int32_t less) {
  const uint32_t a = (uint32_t)p->a_multiplier * (uint32_t)(p->a_zero - less);
  const uint32_t b = (uint32_t)p->b_multiplier * (uint32_t)(p->b_zero - less);
  return (int32_t)((1u << (p->shift - 1)) - a - b);
}

/* @param rises whether `widen` takes bytes of 0..255
 * @param how the way whose results need the same clamp: ER_SATURATED any, ER_ONE_FMA none
 * @param count a multiple of 16 */
ER_INLINE void er_add_row(er_widen_bytes *widen, const bool rises, const enum er_settling how,
                          const er_add_s8 *add, bool is_unsigned, int32_t count, const void *a,
                          const int32_t a_step, const void *b, const int32_t b_step,
                          uint8_t *output) {
  if (count == 0) return; /* the shift may be beyond 31 then */
  const int8x16_t flip_in = er_flip(is_unsigned != rises), flip = er_flip(is_unsigned);
  const er_settle_neon settle = er_settle_bytes(is_unsigned, add->zero_point, add->low, add->high);
  const int32_t constant = er_add_constant(add, (is_unsigned ? 128 : 0) - (rises ? 128 : 0));
  const er_add_constants k = {{constant, constant, constant, constant},
                              add->a_multiplier,
                              add->b_multiplier,
                              vdupq_n_s16((int16_t)(16 - add->shift))};
  for (int32_t i = 0; i < count; i += 16) {
    const int8x16_t x = er_load_bytes(a, i, a_step, flip_in);
    const int8x16_t y = er_load_bytes(b, i, b_step, flip_in);
    const int8x16_t sum = er_add_sixteen(widen, how, x, y, &k, &settle);
    vst1q_s8((int8_t *)output + i, veorq_s8(sum, flip));
  }
}

/* How many elements er_add_row may compute. */
ER_INLINE int32_t er_add_whole(const er_add_s8 *add, int32_t count) {
  return add->shift >= 16 && add->shift <= 30 ? count / 16 * 16 : 0;
}

#endif
