/* ADD and SUB of 8-bit integers: (a * ma + b * mb + constant) >> shift. */
#ifndef ER_NEON_ADD_ROWS_H
#define ER_NEON_ADD_ROWS_H

#include "kernels/kernels.h"
#include "kernels/neon/bytes.h"

ER_INLINE int16x8_t er_upper_halves(int32x4_t a, int32x4_t b) {
  return vuzpq_s16(vreinterpretq_s16_s32(a), vreinterpretq_s16_s32(b)).val[1];
}

/* All sums fit int32 (see the generic kernel); parts of the constant may wrap.
 * @param less what is taken off a and b before they are multiplied */
ER_INLINE int32_t er_add_constant(const er_add_s8 *p, int32_t less) {
  const uint32_t a = (uint32_t)p->a_multiplier * (uint32_t)(p->a_zero - less);
  const uint32_t b = (uint32_t)p->b_multiplier * (uint32_t)(p->b_zero - less);
  return (int32_t)((1u << (p->shift - 1)) - a - b);
}

/* How many elements may be computed in words, sixteen at once. */
ER_INLINE int32_t er_add_whole(const er_add_s8 *add, int32_t count) {
  return add->shift >= 16 && add->shift <= 30 ? count / 16 * 16 : 0;
}

#endif
