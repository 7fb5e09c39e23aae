/* ADD and SUB of 8-bit integers. */
#include "kernels/neon/add_rows.h"
#include "kernels/neon/layer.h"

ER_INLINE void widen(int8x16_t bytes, int32x4_t wide[4]) {
  const int16x8_t low = vmovl_s8(vget_low_s8(bytes)), high = vmovl_s8(vget_high_s8(bytes));
  wide[0] = vmovl_s16(vget_low_s16(low));
  wide[1] = vmovl_s16(vget_high_s16(low));
  wide[2] = vmovl_s16(vget_low_s16(high));
  wide[3] = vmovl_s16(vget_high_s16(high));
}

void er_add_row_s8_neon(const er_add_s8 *add, bool is_unsigned, int32_t count, const void *a,
                        int32_t a_step, const void *b, int32_t b_step, uint8_t *output) {
  const int32_t whole = er_add_whole(add, count);
  if (a_step && b_step) {
    er_add_row(widen, false, ER_SATURATED, add, is_unsigned, whole, a, 1, b, 1, output);
  } else if (a_step) {
    er_add_row(widen, false, ER_SATURATED, add, is_unsigned, whole, a, 1, b, 0, output);
  } else {
    er_add_row(widen, false, ER_SATURATED, add, is_unsigned, whole, a, 0, b, b_step, output);
  }
  er_add_row_s8(add, is_unsigned, count - whole, (const char *)a + (int64_t)whole * a_step, a_step,
                (const char *)b + (int64_t)whole * b_step, b_step, output + whole);
}
