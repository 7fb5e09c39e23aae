#include "kernels/kernels.h"
#include "kernels/load.h"

/* Matrix number `index` as rows of `depth`, less the zero point. */
static void widen_matrix(const er_matmul_rule *r, const void *data, int32_t zero, int64_t index,
                         int32_t rows, int32_t depth, bool by_depth, int16_t *output) {
  const int64_t start = index * rows * depth;
  if (!by_depth) {
    er_widen(r->type, data, start, (int64_t)rows * depth, zero, output);
    return;
  }
  for (int32_t i = 0; i < rows; ++i) {
    for (int32_t d = 0; d < depth; ++d) {
      const int64_t value = er_load(r->type, data, start + (int64_t)d * rows + i);
      output[(int64_t)i * depth + d] = (int16_t)(value - zero);
    }
  }
}

static int32_t dot_s8(int32_t depth, const int16_t *restrict a, const int16_t *restrict b) {
  int32_t sum = 0;
  for (int32_t d = 0; d < depth; ++d) sum += a[d] * b[d];
  return sum;
}

static int64_t dot_s16(int32_t depth, const int16_t *restrict a, const int16_t *restrict b) {
  int64_t sum = 0;
  for (int32_t d = 0; d < depth; ++d) sum += (int32_t)a[d] * b[d];
  return sum;
}

static int64_t scaled(const er_matmul_rule *r, int32_t depth, const int16_t *a, const int16_t *b) {
  return r->type == EDGERT_INT16 ? er_mulfix_wide(dot_s16(depth, a, b), r->scale)
                                 : er_mulfix(dot_s8(depth, a, b), r->scale);
}

void er_batch_matmul(const er_matmul_shape *shape, const er_matmul_rule *rule, const void *a,
                     const void *b, void *output, int32_t product, int16_t *scratch) {
  const er_matmul_shape *s = shape;
  int16_t *left = scratch, *right = scratch + (int64_t)s->rows * s->depth;
  int64_t at = (int64_t)product * s->rows * s->columns;
  widen_matrix(rule, a, rule->a_zero, s->a_index[product], s->rows, s->depth, s->a_transposed,
               left);
  widen_matrix(rule, b, rule->b_zero, s->b_index[product], s->columns, s->depth, !s->b_transposed,
               right);
  for (int32_t i = 0; i < s->rows; ++i) {
    for (int32_t j = 0; j < s->columns; ++j, ++at) {
      const int64_t q =
          scaled(rule, s->depth, left + (int64_t)i * s->depth, right + (int64_t)j * s->depth) +
          rule->out_zero;
      er_store(rule->type, output, at, er_clamp(q, rule->low, rule->high));
    }
  }
}
