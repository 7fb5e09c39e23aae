/* MUL of 8-bit integers: rint(float((a - za) * (b - zb)) * scale). */
#include "kernels/neon/bytes.h"
#include "kernels/neon/layer.h"

typedef struct er_zeros {
  int16x8_t a, b;
  float32x4_t scale;
} er_zeros;

ER_INLINE int16x8_t eight(int8x8_t a, int8x8_t b, const er_zeros *z, const er_settle_neon *settle) {
  const int16x8_t x = vsubq_s16(vmovl_s8(a), z->a), y = vsubq_s16(vmovl_s8(b), z->b);
  const int32x4_t low = vmull_s16(vget_low_s16(x), vget_low_s16(y));
  const int32x4_t high = vmull_s16(vget_high_s16(x), vget_high_s16(y));
  return vqaddq_s16(
      er_saturated(ER_IN_ORDER, er_scale_neon(ER_SATURATED, low, z->scale, NULL, NULL),
                   er_scale_neon(ER_SATURATED, high, z->scale, NULL, NULL)),
      settle->zero_point);
}

void er_mul_row_s8_neon(const er_mul_s8 *mul, bool is_unsigned, int32_t count, const void *a,
                        int32_t a_step, const void *b, int32_t b_step, uint8_t *output) {
  const int32_t less = is_unsigned ? 128 : 0;
  const int8x16_t flip = er_flip(is_unsigned);
  const er_settle_neon settle = er_settle_bytes(is_unsigned, mul->zero_point, mul->low, mul->high);
  const er_zeros z = {vdupq_n_s16((int16_t)(mul->a_zero - less)),
                      vdupq_n_s16((int16_t)(mul->b_zero - less)), vdupq_n_f32(mul->scale)};
  int32_t i = 0;
  for (; i + 16 <= count; i += 16) {
    const int8x16_t x = er_load_bytes(a, i, a_step, flip), y = er_load_bytes(b, i, b_step, flip);
    const int16x8_t low = eight(vget_low_s8(x), vget_low_s8(y), &z, &settle);
    const int16x8_t high = eight(vget_high_s8(x), vget_high_s8(y), &z, &settle);
    const int8x16_t q = er_bytes_neon(ER_SATURATED, low, high, &settle);
    vst1q_s8((int8_t *)output + i, veorq_s8(q, flip));
  }
  er_mul_row_s8(mul, is_unsigned, count - i, (const char *)a + (int64_t)i * a_step, a_step,
                (const char *)b + (int64_t)i * b_step, b_step, output + i);
}
