/* Activations quantized while running, by the rule of LiteRT (XNNPACK's qd8), bit for bit. */
#include "kernels/dynamic.h"

#include <math.h>
#include <string.h>

#include "kernels/generic/generic.h"
#include "kernels/rounding.h"

static int8_t quantized(float value, float inverse, int32_t zero_point) {
  return (int8_t)er_settle(value * inverse, zero_point, -128, 127);
}

er_row_quant er_quantize_row(int64_t count, const float *input, int8_t *output) {
  float low = 0.0f, high = 0.0f;
  for (int64_t i = 0; i < count; i++) {
    low = input[i] < low ? input[i] : low; /* NaN leaves both as they are */
    high = input[i] > high ? input[i] : high;
  }
  const float inverse = er_inverse_scale(low, high);
  const int32_t zero_point = er_row_zero_point(low * inverse, high * inverse);
  for (int64_t i = 0; i < count; i++) output[i] = quantized(input[i], inverse, zero_point);
  return (er_row_quant){1.0f / inverse, zero_point};
}

/* LiteRT's own kernels round ties away from zero. */
er_row_quant er_quantize_image(int64_t count, const float *input, int8_t *output) {
  float low = 0.0f, high = 0.0f;
  for (int64_t i = 0; i < count; i++) {
    low = input[i] < low ? input[i] : low;
    high = input[i] > high ? input[i] : high;
  }
  if (low == high) {
    memset(output, 0, (size_t)count);
    return (er_row_quant){1.0f, 0};
  }
  const float scale = (high - low) / 255.0f, inverse = 1.0f / scale;
  const double below = (double)low / (double)scale, above = (double)high / (double)scale;
  const double zero = 128.0 - below < 127.0 + above ? -128.0 - below : 127.0 - above;
  const double bounded = zero > -128.0 ? (zero < 127.0 ? zero : 127.0) : -128.0; /* NaN: -128 */
  const int32_t zero_point = (int32_t)round(bounded);
  for (int64_t i = 0; i < count; i++) {
    const float value = roundf((float)zero_point + input[i] * inverse);
    output[i] = (int8_t)er_settle(value, 0, -128, 127);
  }
  return (er_row_quant){scale, zero_point};
}

void er_scale_sums(const er_scale_sums_call *c) {
  for (int32_t r = 0; r < c->rows; r++) {
    const er_row_quant quant = c->quant[r];
    for (int32_t u = 0; u < c->units; u++) {
      const int32_t sum = (int32_t)((uint32_t)c->sums[r * c->sums_stride + u] -
                                    (uint32_t)quant.zero_point * (uint32_t)c->weight_sums[u]);
      const float value =
          fmaf((float)sum * quant.scale, c->weight_scale[u], c->bias ? c->bias[u] : 0.0f);
      const float bounded = value < c->low ? c->low : value;
      c->output[r * c->output_stride + u] = bounded > c->high ? c->high : bounded;
    }
  }
}
