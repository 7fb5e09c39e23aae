/* QUANTIZE and DEQUANTIZE of 8-bit integers; other types stay generic. */
#include <math.h>

#include "kernels/neon/bytes.h"
#include "kernels/neon/layer.h"

/* NaN becomes 0, which is the zero point. */
ER_INLINE int32x4_t four(const float *input, float inverse) {
  const float32x4_t x = vld1q_f32(input);
  const uint32x4_t is_number = vceqq_f32(x, x);
  const uint32x4_t value = vreinterpretq_u32_f32(vmulq_n_f32(x, inverse));
  return er_rint_neon(vreinterpretq_f32_u32(vandq_u32(value, is_number)));
}

ER_INLINE int16x8_t eight(const float *input, float inverse, const er_settle_neon *settle) {
  const int16x8_t q = er_saturated(ER_IN_ORDER, four(input, inverse), four(input + 4, inverse));
  return vqaddq_s16(q, settle->zero_point);
}

void er_quantize_neon(edgert_type type, float inverse_scale, int32_t zero_point, int64_t count,
                      const float *input, void *output) {
  const bool is_unsigned = type == EDGERT_UINT8;
  const size_t bytes = type == EDGERT_INT16 ? 2 : 1;
  int64_t i = 0;
  if ((type == EDGERT_INT8 || is_unsigned) && isfinite(inverse_scale)) {
    const er_settle_neon settle =
        er_settle_bytes(is_unsigned, zero_point, is_unsigned ? 0 : -128, is_unsigned ? 255 : 127);
    const int8x16_t flip = er_flip(is_unsigned);
    for (; i + 16 <= count; i += 16) {
      const int16x8_t low = eight(input + i, inverse_scale, &settle);
      const int16x8_t high = eight(input + i + 8, inverse_scale, &settle);
      const int8x16_t q = er_bytes_neon(ER_SATURATED, low, high, &settle);
      vst1q_s8((int8_t *)output + i, veorq_s8(q, flip));
    }
  }
  er_quantize(type, inverse_scale, zero_point, count - i, input + i,
              (char *)output + (size_t)i * bytes);
}

void er_dequantize_neon(edgert_type type, float scale, int32_t zero_point, int64_t count,
                        const void *input, float *output) {
  const bool is_unsigned = type == EDGERT_UINT8;
  if (type != EDGERT_INT8 && !is_unsigned) {
    er_dequantize(type, scale, zero_point, count, input, output);
    return;
  }
  const int16x8_t zero = vdupq_n_s16((int16_t)(zero_point - (is_unsigned ? 128 : 0)));
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    const int8x8_t raw = vld1_s8((const int8_t *)input + i);
    const int16x8_t x = vsubq_s16(vmovl_s8(veor_s8(raw, vget_low_s8(er_flip(is_unsigned)))), zero);
    vst1q_f32(output + i, vmulq_n_f32(vcvtq_f32_s32(vmovl_s16(vget_low_s16(x))), scale));
    vst1q_f32(output + i + 4, vmulq_n_f32(vcvtq_f32_s32(vmovl_s16(vget_high_s16(x))), scale));
  }
  er_dequantize(type, scale, zero_point, count - i, (const char *)input + i, output + i);
}
