#include "kernels/kernels.h"
#include "kernels/load.h"

/* With shift <= 30 all sums fit 32 bits: |a * ma| < 2^29, and so is b's; the rounding is <= 2^29.
 */
static inline void row(const er_add_s8 *p, bool is_unsigned, int32_t count, const void *a,
                       int32_t a_step, const void *b, int32_t b_step, uint8_t *output) {
  const int32_t rounding = 1 << (p->shift - 1);
  for (int32_t i = 0; i < count; ++i) {
    const int32_t x = er_load8(is_unsigned, a, (int64_t)i * a_step) - p->a_zero;
    const int32_t y = er_load8(is_unsigned, b, (int64_t)i * b_step) - p->b_zero;
    const int32_t sum = (x * p->a_multiplier + y * p->b_multiplier + rounding) >> p->shift;
    const int32_t q = sum + p->zero_point;
    output[i] = (uint8_t)(q < p->low ? p->low : q > p->high ? p->high : q);
  }
}

/* Scales far below the output's. */
static void wide_row(const er_add_s8 *p, bool is_unsigned, int32_t count, const void *a,
                     int32_t a_step, const void *b, int32_t b_step, uint8_t *output) {
  const int64_t rounding = INT64_C(1) << (p->shift - 1);
  for (int32_t i = 0; i < count; ++i) {
    const int64_t x = er_load8(is_unsigned, a, (int64_t)i * a_step) - p->a_zero;
    const int64_t y = er_load8(is_unsigned, b, (int64_t)i * b_step) - p->b_zero;
    const int64_t sum = (x * p->a_multiplier + y * p->b_multiplier + rounding) >> p->shift;
    output[i] = (uint8_t)er_clamp(sum + p->zero_point, p->low, p->high);
  }
}

void er_add_row_s8(const er_add_s8 *add, bool is_unsigned, int32_t count, const void *a,
                   int32_t a_step, const void *b, int32_t b_step, uint8_t *output) {
  if (add->shift > 30) {
    wide_row(add, is_unsigned, count, a, a_step, b, b_step, output);
  } else if (a_step == 1 && b_step == 1 && !is_unsigned) {
    row(add, false, count, a, 1, b, 1, output);
  } else if (a_step == 1 && b_step == 1) {
    row(add, true, count, a, 1, b, 1, output);
  } else {
    row(add, is_unsigned, count, a, a_step, b, b_step, output);
  }
}
