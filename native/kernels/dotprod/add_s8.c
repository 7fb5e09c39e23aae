/* ADD and SUB of int8 without a clamp, the most common ones; the NEON kernel takes the others. SXTL
 * has but one of the A76's vector pipes; TBL, which finds 0 where it looks beyond the bytes, has
 * both. */
#include "kernels/dotprod/layer.h"
#include "kernels/neon/add_rows.h"
#include "kernels/neon/layer.h"

ER_INLINE void widen(int8x16_t bytes, int32x4_t wide[4]) {
  ER_UNROLL for (uint32_t i = 0; i < 4; i++) {
    const uint32x4_t first = {0xFFFFFF00, 0xFFFFFF01, 0xFFFFFF02, 0xFFFFFF03};
    const uint32x4_t at = first + 4 * i;
    wide[i] = vreinterpretq_s32_s8(vqtbl1q_s8(bytes, vreinterpretq_u8_u32(at)));
  }
}

void er_add_row_s8_dotprod(const er_add_s8 *add, bool is_unsigned, int32_t count, const void *a,
                           int32_t a_step, const void *b, int32_t b_step, uint8_t *output) {
  const bool known = !is_unsigned && a_step && b_step && add->low == -128 && add->high == 127;
  const int32_t whole = known ? er_add_whole(add, count) : 0;
  er_add_row(widen, true, ER_ONE_FMA, add, false, whole, a, 1, b, 1, output);
  er_add_row_s8_neon(add, is_unsigned, count - whole, (const char *)a + (int64_t)whole * a_step,
                     a_step, (const char *)b + (int64_t)whole * b_step, b_step, output + whole);
}
