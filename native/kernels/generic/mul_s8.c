#include "kernels/kernels.h"
#include "kernels/load.h"

static inline void row(const er_mul_s8 *p, bool is_unsigned, int32_t count, const void *a,
                       int32_t a_step, const void *b, int32_t b_step, uint8_t *output) {
  for (int32_t i = 0; i < count; ++i) {
    const int32_t x = er_load8(is_unsigned, a, (int64_t)i * a_step) - p->a_zero;
    const int32_t y = er_load8(is_unsigned, b, (int64_t)i * b_step) - p->b_zero;
    output[i] = (uint8_t)er_settle((float)(x * y) * p->scale, p->zero_point, p->low, p->high);
  }
}

void er_mul_row_s8(const er_mul_s8 *mul, bool is_unsigned, int32_t count, const void *a,
                   int32_t a_step, const void *b, int32_t b_step, uint8_t *output) {
  if (a_step == 1 && b_step == 1 && !is_unsigned) {
    row(mul, false, count, a, 1, b, 1, output);
  } else {
    row(mul, is_unsigned, count, a, a_step, b, b_step, output);
  }
}
