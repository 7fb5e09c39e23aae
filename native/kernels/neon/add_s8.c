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

typedef struct constants {
  int32_t constant[4];
  int32_t a_multiplier, b_multiplier;
  int16x8_t right; /* 16 - shift: the upper halves of the sums are shifted by the rest */
} constants;

ER_INLINE int8x16_t add_sixteen(int8x16_t a, int8x16_t b, const constants *k,
                                const er_settle_neon *settle) {
  const int32_t *constant = k->constant;
  int32x4_t x[4], y[4], sum[4];
  int16x8_t q[2];
  widen(a, x);
  widen(b, y);
  ER_UNROLL for (int i = 0; i < 4; i++) {
    ER_AGAIN(constant); /* a copy would take a slot of the vector pipes */
    sum[i] = vmlaq_n_s32(vld1q_s32(constant), x[i], k->a_multiplier);
    sum[i] = vmlaq_n_s32(sum[i], y[i], k->b_multiplier);
  }
  ER_UNROLL for (int i = 0; i < 2; i++) {
    const int16x8_t shifted = vshlq_s16(er_upper_halves(sum[2 * i], sum[2 * i + 1]), k->right);
    q[i] = vqaddq_s16(shifted, settle->zero_point);
  }
  return er_bytes_neon(ER_SATURATED, q[0], q[1], settle);
}

/* @param count a multiple of 16 */
ER_INLINE void add_row(const er_add_s8 *add, bool is_unsigned, int32_t count, const void *a,
                       const int32_t a_step, const void *b, const int32_t b_step, uint8_t *output) {
  if (count == 0) return; /* the shift may be beyond 31 then */
  const int8x16_t flip = er_flip(is_unsigned);
  const er_settle_neon settle = er_settle_bytes(is_unsigned, add->zero_point, add->low, add->high);
  const int32_t constant = er_add_constant(add, is_unsigned ? 128 : 0);
  const constants k = {{constant, constant, constant, constant},
                       add->a_multiplier,
                       add->b_multiplier,
                       vdupq_n_s16((int16_t)(16 - add->shift))};
  for (int32_t i = 0; i < count; i += 16) {
    const int8x16_t x = er_load_bytes(a, i, a_step, flip);
    const int8x16_t y = er_load_bytes(b, i, b_step, flip);
    const int8x16_t sum = add_sixteen(x, y, &k, &settle);
    vst1q_s8((int8_t *)output + i, veorq_s8(sum, flip));
  }
}

void er_add_row_s8_neon(const er_add_s8 *add, bool is_unsigned, int32_t count, const void *a,
                        int32_t a_step, const void *b, int32_t b_step, uint8_t *output) {
  const int32_t whole = er_add_whole(add, count);
  if (a_step && b_step) {
    add_row(add, is_unsigned, whole, a, 1, b, 1, output);
  } else if (a_step) {
    add_row(add, is_unsigned, whole, a, 1, b, 0, output);
  } else {
    add_row(add, is_unsigned, whole, a, 0, b, b_step, output);
  }
  er_add_row_s8(add, is_unsigned, count - whole, (const char *)a + (int64_t)whole * a_step, a_step,
                (const char *)b + (int64_t)whole * b_step, b_step, output + whole);
}
