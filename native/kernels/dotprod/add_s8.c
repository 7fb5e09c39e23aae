/* ADD and SUB of int8 without a clamp, the most common ones; the NEON kernel takes the others. SXTL
 * has but one of the A76's vector pipes, as have the narrowing moves; TBL, which finds 0 where it
 * looks beyond the bytes, and UZP2, which takes the upper half of each element, have both. */
#include <stdlib.h>

#include "kernels/dotprod/layer.h"
#include "kernels/neon/add_rows.h"
#include "kernels/neon/layer.h"

/* Bytes plus 128, of 0..255, each in a word. */
ER_INLINE void widen(int8x16_t bytes, int32x4_t wide[4]) {
  const int8x16_t risen = veorq_s8(bytes, vdupq_n_s8(-128));
  ER_UNROLL for (uint32_t i = 0; i < 4; i++) {
    const uint32x4_t first = {0xFFFFFF00, 0xFFFFFF01, 0xFFFFFF02, 0xFFFFFF03};
    const uint32x4_t at = first + 4 * i;
    wide[i] = vreinterpretq_s32_s8(vqtbl1q_s8(risen, vreinterpretq_u8_u32(at)));
  }
}

/* Whether sums that hold the zero point too fit int32. */
static bool holds_zero_point(const er_add_s8 *add) {
  const int64_t multipliers = llabs(add->a_multiplier) + llabs(add->b_multiplier);
  return 255 * multipliers + ((llabs(add->zero_point) + 1) << add->shift) < INT32_MAX;
}

/* Sums of 16 elements to bytes: the upper halves of the words, shifted so far that a result is the
 * upper byte of its half, where the shift saturates it. */
ER_INLINE int8x16_t narrow(const int32x4_t sum[4], int16x8_t left) {
  const int16x8_t low = vqshlq_s16(er_upper_halves(sum[0], sum[1]), left);
  const int16x8_t high = vqshlq_s16(er_upper_halves(sum[2], sum[3]), left);
  return vuzp2q_s8(vreinterpretq_s8_s16(low), vreinterpretq_s8_s16(high));
}

/* @param count a multiple of 16 */
static void add_whole(const er_add_s8 *add, int32_t count, const int8_t *a, const int8_t *b,
                      int8_t *output) {
  const uint32_t zero_point = (uint32_t)add->zero_point << add->shift;
  const int32_t constant = (int32_t)((uint32_t)er_add_constant(add, -128) + zero_point);
  const int32_t constants[4] = {constant, constant, constant, constant}, *start = constants;
  const int16x8_t left = vdupq_n_s16((int16_t)(24 - add->shift));
  for (int32_t i = 0; i < count; i += 16) {
    int32x4_t x[4], y[4], sum[4];
    widen(vld1q_s8(a + i), x);
    widen(vld1q_s8(b + i), y);
    ER_UNROLL for (int v = 0; v < 4; v++) {
      ER_AGAIN(start); /* a copy would take a slot of the vector pipes */
      sum[v] = vmlaq_n_s32(vld1q_s32(start), x[v], add->a_multiplier);
      sum[v] = vmlaq_n_s32(sum[v], y[v], add->b_multiplier);
    }
    vst1q_s8(output + i, narrow(sum, left));
  }
}

void er_add_row_s8_dotprod(const er_add_s8 *add, bool is_unsigned, int32_t count, const void *a,
                           int32_t a_step, const void *b, int32_t b_step, uint8_t *output) {
  const bool plain = !is_unsigned && a_step && b_step && add->low == -128 && add->high == 127;
  const int32_t whole = plain ? er_add_whole(add, count) : 0;
  const int32_t here = whole > 0 && holds_zero_point(add) ? whole : 0;
  if (here > 0) add_whole(add, here, a, b, (int8_t *)output);
  er_add_row_s8_neon(add, is_unsigned, count - here, (const char *)a + (int64_t)here * a_step,
                     a_step, (const char *)b + (int64_t)here * b_step, b_step, output + here);
}
