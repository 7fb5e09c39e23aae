/* ADD and SUB of 8-bit integers: (a * ma + b * mb + constant) >> shift. */
#include "kernels/neon/bytes.h"
#include "kernels/neon/layer.h"

typedef struct er_constants {
  int32x4_t constant, right; /* right: -shift */
  int32_t a_multiplier, b_multiplier;
} er_constants;

ER_INLINE int32x4_t four(int16x4_t a, int16x4_t b, const er_constants *k) {
  int32x4_t sum = vmlaq_n_s32(k->constant, vmovl_s16(a), k->a_multiplier);
  sum = vmlaq_n_s32(sum, vmovl_s16(b), k->b_multiplier);
  return vshlq_s32(sum, k->right);
}

ER_INLINE int16x8_t eight(int8x8_t a, int8x8_t b, const er_constants *k,
                          const er_settle_neon *settle) {
  const int16x8_t x = vmovl_s8(a), y = vmovl_s8(b);
  const int32x4_t low = four(vget_low_s16(x), vget_low_s16(y), k);
  const int32x4_t high = four(vget_high_s16(x), vget_high_s16(y), k);
  return vqaddq_s16(er_saturated(ER_IN_ORDER, low, high), settle->zero_point);
}

/* All sums fit int32 (see the generic kernel); parts of the constant may wrap. */
static int32_t constant_of(const er_add_s8 *p, int32_t less) {
  const uint32_t a = (uint32_t)p->a_multiplier * (uint32_t)(p->a_zero - less);
  const uint32_t b = (uint32_t)p->b_multiplier * (uint32_t)(p->b_zero - less);
  return (int32_t)((1u << (p->shift - 1)) - a - b);
}

void er_add_row_s8_neon(const er_add_s8 *add, bool is_unsigned, int32_t count, const void *a,
                        int32_t a_step, const void *b, int32_t b_step, uint8_t *output) {
  int32_t i = 0;
  if (add->shift <= 30) {
    const int8x16_t flip = er_flip(is_unsigned);
    const er_settle_neon settle =
        er_settle_bytes(is_unsigned, add->zero_point, add->low, add->high);
    const er_constants k = {vdupq_n_s32(constant_of(add, is_unsigned ? 128 : 0)),
                            vdupq_n_s32(-add->shift), add->a_multiplier, add->b_multiplier};
    for (; i + 16 <= count; i += 16) {
      const int8x16_t x = er_load_bytes(a, i, a_step, flip), y = er_load_bytes(b, i, b_step, flip);
      const int16x8_t low = eight(vget_low_s8(x), vget_low_s8(y), &k, &settle);
      const int16x8_t high = eight(vget_high_s8(x), vget_high_s8(y), &k, &settle);
      const int8x16_t q = er_bytes_neon(ER_SATURATED, low, high, &settle);
      vst1q_s8((int8_t *)output + i, veorq_s8(q, flip));
    }
  }
  er_add_row_s8(add, is_unsigned, count - i, (const char *)a + (int64_t)i * a_step, a_step,
                (const char *)b + (int64_t)i * b_step, b_step, output + i);
}
