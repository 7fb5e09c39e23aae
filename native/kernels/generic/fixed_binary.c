#include "kernels/kernels.h"
#include "kernels/load.h"

static int32_t combine(const er_fixed_binary *p, int32_t a, int32_t b) {
  if (p->op == ER_MUL) return er_mulfix(a * b, p->scale);
  if (p->op == ER_PRELU) return a >= 0 ? er_mulfix(a, p->a_scale) : er_mulfix(a * b, p->scale);
  const int32_t x = er_mulfix(a * (1 << p->left_shift), p->a_scale);
  const int32_t y = er_mulfix(b * (1 << p->left_shift), p->b_scale);
  if (p->op == ER_ADD) return er_mulfix(x + y, p->scale);
  if (p->op == ER_SUB) return er_mulfix(x - y, p->scale);
  return er_mulfix((x - y) * (x - y), p->scale); /* SQUARED_DIFFERENCE */
}

void er_fixed_binary_row(const er_fixed_binary *binary, edgert_type type, int32_t count,
                         const void *a, int32_t a_step, const void *b, int32_t b_step,
                         void *output) {
  const er_fixed_binary *p = binary;
  for (int32_t i = 0; i < count; ++i) {
    const int32_t x = (int32_t)er_load(type, a, (int64_t)i * a_step) - p->a_zero;
    const int32_t y = (int32_t)er_load(type, b, (int64_t)i * b_step) - p->b_zero;
    const int64_t q = (int64_t)combine(p, x, y) + p->zero_point;
    er_store(type, output, i, er_clamp(q, p->low, p->high));
  }
}
