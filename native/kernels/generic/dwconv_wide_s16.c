#include "kernels/generic/generic.h"
#include "kernels/rounding.h"

static int64_t taps(const er_conv_shape *s, int64_t line_size, const int16_t *pixel,
                    const int16_t *weights) {
  int64_t sum = 0;
  for (int32_t i = 0; i < s->filter_h; ++i) {
    for (int32_t j = 0; j < s->filter_w; ++j, weights += s->out_c) {
      sum += pixel[i * line_size + (int64_t)j * s->dilation_w * s->out_c] * *weights;
    }
  }
  return sum;
}

void er_dwconv_wide_s16(const er_conv_shape *shape, const int16_t *lines, const int16_t *weights,
                        const er_requant_wide *requant, int16_t *output) {
  const er_conv_shape *s = shape;
  const int32_t line_w = (s->out_w - 1) * s->stride_w + (s->filter_w - 1) * s->dilation_w + 1;
  for (int32_t x = 0; x < s->out_w; ++x) {
    const int16_t *pixel = lines + (int64_t)x * s->stride_w * s->out_c;
    for (int32_t c = 0; c < s->out_c; ++c) {
      const er_fixed scale = {requant->multiplier[c], requant->exponent[c]};
      const int64_t sum =
          requant->bias[c] + taps(s, (int64_t)line_w * s->out_c, pixel + c, weights + c);
      *output++ = (int16_t)er_clamp(er_mulfix_wide(sum, scale), requant->low, requant->high);
    }
  }
}
