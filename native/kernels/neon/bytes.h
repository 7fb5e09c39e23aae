/* Elementwise kernels on 8-bit integers, signed or not: a uint8 is handled as the int8 that is 128
 * less, its zero points and bounds likewise, and flipped back at the end. */
#ifndef ER_NEON_BYTES_H
#define ER_NEON_BYTES_H

#include "kernels/neon/settle.h"

/* 16 elements from i on. @param step 0: the same element all along, 1 */
ER_INLINE int8x16_t er_load_bytes(const void *data, int32_t i, int32_t step, int8x16_t flip) {
  const int8_t *bytes = data;
  return veorq_s8(step ? vld1q_s8(bytes + i) : vdupq_n_s8(*bytes), flip);
}

ER_INLINE int8x16_t er_flip(bool is_unsigned) { return vdupq_n_s8(is_unsigned ? -128 : 0); }

ER_INLINE er_settle_neon er_settle_bytes(bool is_unsigned, int32_t zero_point, int32_t low,
                                         int32_t high) {
  const int32_t less = is_unsigned ? 128 : 0;
  return er_settle_neon_of((er_range_s8){zero_point - less, low - less, high - less});
}

#endif
