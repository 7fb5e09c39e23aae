#include <string.h>

#include "kernels/kernels.h"
#include "kernels/load.h"

static inline void quantize(edgert_type type, float inverse, int32_t zero, int32_t low,
                            int32_t high, int64_t count, const float *input, void *output) {
  for (int64_t i = 0; i < count; ++i) {
    const float value = input[i] == input[i] ? input[i] * inverse : 0.0f;
    er_store(type, output, i, er_settle(value, zero, low, high));
  }
}

void er_quantize(edgert_type type, float inverse_scale, int32_t zero_point, int64_t count,
                 const float *input, void *output) {
  if (type == EDGERT_INT8) {
    quantize(EDGERT_INT8, inverse_scale, zero_point, INT8_MIN, INT8_MAX, count, input, output);
  } else if (type == EDGERT_UINT8) {
    quantize(EDGERT_UINT8, inverse_scale, zero_point, 0, UINT8_MAX, count, input, output);
  } else {
    quantize(EDGERT_INT16, inverse_scale, zero_point, INT16_MIN, INT16_MAX, count, input, output);
  }
}

void er_dequantize(edgert_type type, float scale, int32_t zero_point, int64_t count,
                   const void *input, float *output) {
  for (int64_t i = 0; i < count; ++i) {
    output[i] = (float)(er_load(type, input, i) - zero_point) * scale;
  }
}

void er_rescale(edgert_type in, edgert_type out, int32_t in_zero, er_fixed scale, int32_t out_zero,
                int64_t count, const void *input, void *output) {
  const int32_t low = out == EDGERT_INT8    ? INT8_MIN
                      : out == EDGERT_UINT8 ? 0
                      : out == EDGERT_INT16 ? INT16_MIN
                                            : INT32_MIN;
  const int32_t high = out == EDGERT_INT8    ? INT8_MAX
                       : out == EDGERT_UINT8 ? UINT8_MAX
                       : out == EDGERT_INT16 ? INT16_MAX
                                             : INT32_MAX;
  for (int64_t i = 0; i < count; ++i) {
    const int32_t value = er_clamp(er_load(in, input, i) - in_zero, INT32_MIN, INT32_MAX);
    er_store(out, output, i, er_clamp((int64_t)er_mulfix(value, scale) + out_zero, low, high));
  }
}

static float half(uint16_t bits) {
  const uint32_t sign = (uint32_t)(bits >> 15) << 31;
  const uint32_t exponent = bits >> 10 & 31;
  const uint32_t fraction = bits & 1023;
  if (exponent == 0) return (sign ? -1.0f : 1.0f) * (float)fraction * 0x1p-24f;
  const uint32_t wide =
      sign | (exponent == 31 ? 255u << 23 : (exponent + 112) << 23) | fraction << 13;
  float value;
  memcpy(&value, &wide, sizeof value);
  return value;
}

void er_half_to_float(int64_t count, const uint16_t *input, float *output) {
  for (int64_t i = 0; i < count; ++i) output[i] = half(input[i]);
}
