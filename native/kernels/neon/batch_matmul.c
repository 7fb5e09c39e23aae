/* BATCH_MATMUL of 8-bit integers by an int8 gemm: the right matrix is packed on each run, some
 * columns at a time. With its zero point zb, and the left one less its own, a' = a - za,
 *   sum a' * (b - zb) = sum a' * b - zb * sum a',
 * of which the gemm makes the first and the second is the same for a whole row. */
#include <string.h>

#include "kernels/neon/bytes.h"
#include "kernels/neon/layer.h"
#include "kernels/neon/matmul.h"
#include "kernels/neon/store.h"

enum { COLUMNS = 16, ROWS = 32 }; /* for one call of the gemm */
enum { FEW_ROWS = 8 };            /* below this packing does not pay */

typedef struct er_product {
  const er_gemm_s8 *gemm;
  const er_matmul_shape *shape;
  int32_t a_zero, b_zero;
  int8x16_t flip; /* from uint8 to int8 and back */
  er_settle_neon settle;
  int32x4_t multiplier, right; /* right: of a shift to the left, so not above 0 */
  int8_t *left;                /* [rows][depth] */
  int32_t *row_parts;          /* [rows] */
  int8_t *columns;             /* [COLUMNS][depth] */
  void *packed;                /* these */
} er_product;

static char *aligned(void *at) { return (char *)(((uintptr_t)at + 63) & ~(uintptr_t)63); }

static er_product product_of(const er_gemm_s8 *gemm, const er_matmul_shape *s,
                             const er_matmul_rule *r, void *scratch) {
  const bool is_unsigned = r->type == EDGERT_UINT8;
  const int32_t less = is_unsigned ? 128 : 0;
  er_product p = {.gemm = gemm,
                  .shape = s,
                  .a_zero = r->a_zero - less,
                  .b_zero = r->b_zero - less,
                  .flip = er_flip(is_unsigned),
                  .settle = er_settle_bytes(is_unsigned, r->out_zero, r->low, r->high),
                  .multiplier = vdupq_n_s32(r->scale.multiplier),
                  .right = vdupq_n_s32(r->scale.exponent)};
  p.packed = aligned(scratch);
  p.row_parts = (int32_t *)(void *)((char *)p.packed + gemm->packed_bytes(COLUMNS, s->depth));
  p.columns = (int8_t *)(p.row_parts + s->rows);
  p.left = p.columns + (int64_t)COLUMNS * s->depth;
  return p;
}

/* @param step from value to value
 * @return the sum of all */
static int32_t take_line(const er_product *p, const int8_t *from, int64_t step, int8_t *to) {
  const int32_t depth = p->shape->depth;
  const int8_t flip = vgetq_lane_s8(p->flip, 0);
  int32x4_t sums = vdupq_n_s32(0);
  int32_t d = 0;
  for (; step == 1 && d + 16 <= depth; d += 16) {
    const int8x16_t values = veorq_s8(vld1q_s8(from + d), p->flip);
    vst1q_s8(to + d, values);
    sums = vpadalq_s16(sums, vpaddlq_s8(values));
  }
  int32_t sum = vgetq_lane_s32(sums, 0) + vgetq_lane_s32(sums, 1) + vgetq_lane_s32(sums, 2) +
                vgetq_lane_s32(sums, 3);
  for (from += d * step; d < depth; d++, from += step) {
    to[d] = (int8_t)(*from ^ flip);
    sum += to[d];
  }
  return sum;
}

static void take_left(const er_product *p, const int8_t *a) {
  const er_matmul_shape *s = p->shape;
  for (int64_t r = 0; r < s->rows; r++) {
    const int32_t sum = s->a_transposed ? take_line(p, a + r, s->rows, p->left + r * s->depth)
                                        : take_line(p, a + r * s->depth, 1, p->left + r * s->depth);
    p->row_parts[r] = -p->b_zero * (sum - s->depth * p->a_zero);
  }
}

/* @param first,count columns */
static void pack_right(const er_product *p, const int8_t *b, int32_t first, int32_t count) {
  static const int32_t no_bias[COLUMNS];
  static const float no_scale[COLUMNS];
  const er_matmul_shape *s = p->shape;
  for (int64_t c = 0; c < count; c++) {
    int8_t *to = p->columns + c * s->depth;
    if (s->b_transposed) {
      take_line(p, b + (first + c) * s->depth, 1, to);
    } else {
      take_line(p, b + first + c, s->columns, to);
    }
  }
  const er_weights_s8 weights = {.units = count,
                                 .depth = s->depth,
                                 .values = p->columns,
                                 .bias = no_bias,
                                 .scale = no_scale,
                                 .input_zero_point = p->a_zero};
  memset(p->packed, 0, p->gemm->packed_bytes(COLUMNS, s->depth));
  p->gemm->pack(&weights, p->packed);
}

/* mulfix of docs/NUMERICS.md for factors below 1: SQRDMULH rounds as its first step does, ties
 * upwards; ties of the second go away from zero. */
ER_INLINE int32x4_t mulfix(const er_product *p, int32x4_t sums) {
  const int32x4_t high = vqrdmulhq_s32(sums, p->multiplier);
  const int32x4_t is_negative = vshrq_n_s32(vandq_s32(high, p->right), 31);
  return vrshlq_s32(vqaddq_s32(high, is_negative), p->right);
}

/* @param sums [COLUMNS] */
ER_INLINE int8x16_t settle_row(const er_product *p, const int32_t *sums, int32_t row_part) {
  int32x4_t q[4];
  ER_UNROLL for (int v = 0; v < 4; v++) {
    q[v] = mulfix(p, vaddq_s32(vld1q_s32(sums + 4 * v), vdupq_n_s32(row_part)));
  }
  const int16x8_t low = er_saturated(ER_IN_ORDER, q[0], q[1]);
  const int16x8_t high = er_saturated(ER_IN_ORDER, q[2], q[3]);
  const int8x16_t bytes = er_bytes_neon(ER_SATURATED, vqaddq_s16(low, p->settle.zero_point),
                                        vqaddq_s16(high, p->settle.zero_point), &p->settle);
  return veorq_s8(bytes, p->flip);
}

/* All rows times the packed columns. @param output of the first row's first of them */
static void multiply(const er_product *p, int32_t columns, int8_t *output) {
  const er_matmul_shape *s = p->shape;
  int32_t sums[ROWS * COLUMNS];
  for (int32_t row = 0; row < s->rows; row += ROWS) {
    const er_gemm_s8_call call = {.rows = s->rows - row < ROWS ? s->rows - row : ROWS,
                                  .depth = s->depth,
                                  .units = columns,
                                  .input = p->left + (int64_t)row * s->depth,
                                  .input_stride = s->depth,
                                  .packed = p->packed,
                                  .last = columns};
    p->gemm->sums(&call, sums, COLUMNS);
    for (int32_t r = 0; r < call.rows; r++, output += s->columns) {
      const int8x16_t q = settle_row(p, sums + r * COLUMNS, p->row_parts[row + r]);
      er_store_parts_neon(&q, 1, columns, 0, output);
    }
  }
}

void er_matmul_by_gemm(const er_gemm_s8 *gemm, const er_matmul_shape *shape,
                       const er_matmul_rule *rule, const void *a, const void *b, void *output,
                       int32_t product, int16_t *scratch) {
  const er_matmul_shape *s = shape;
  if (rule->type == EDGERT_INT16 || rule->scale.exponent > 0 || s->rows < FEW_ROWS) {
    er_batch_matmul(shape, rule, a, b, output, product, scratch);
    return;
  }
  const er_product p = product_of(gemm, shape, rule, scratch);
  const int8_t *right = (const int8_t *)b + (int64_t)s->b_index[product] * s->depth * s->columns;
  int8_t *to = (int8_t *)output + (int64_t)product * s->rows * s->columns;
  take_left(&p, (const int8_t *)a + (int64_t)s->a_index[product] * s->rows * s->depth);
  for (int32_t first = 0; first < s->columns; first += COLUMNS) {
    const int32_t count = s->columns - first < COLUMNS ? s->columns - first : COLUMNS;
    pack_right(&p, right, first, count);
    multiply(&p, count, to + first);
  }
}

void er_batch_matmul_neon(const er_matmul_shape *shape, const er_matmul_rule *rule, const void *a,
                          const void *b, void *output, int32_t product, int16_t *scratch) {
  er_matmul_by_gemm(&er_gemm_sums_neon, shape, rule, a, b, output, product, scratch);
}
