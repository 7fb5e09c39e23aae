#include <string.h>

#include "kernels/generic/generic.h"

#define BLOCK 16 /* channels whose sums stay in registers */

/* Sums of BLOCK channels of one output pixel. */
static void taps(const er_conv_shape *s, int64_t line_size, const int16_t *restrict pixel,
                 const int16_t *restrict weights, int32_t sums[BLOCK]) {
  for (int32_t i = 0; i < s->filter_h; ++i) {
    const int16_t *x = pixel + i * line_size;
    for (int32_t j = 0; j < s->filter_w; ++j) {
      for (int32_t c = 0; c < BLOCK; ++c) sums[c] += x[c] * weights[c];
      x += (int64_t)s->dilation_w * s->out_c;
      weights += s->out_c;
    }
  }
}

static void few_taps(const er_conv_shape *s, int64_t line_size, const int16_t *restrict pixel,
                     const int16_t *restrict weights, int32_t channels, int32_t sums[BLOCK]) {
  for (int32_t i = 0; i < s->filter_h; ++i) {
    const int16_t *x = pixel + i * line_size;
    for (int32_t j = 0; j < s->filter_w; ++j) {
      for (int32_t c = 0; c < channels; ++c) sums[c] += x[c] * weights[c];
      x += (int64_t)s->dilation_w * s->out_c;
      weights += s->out_c;
    }
  }
}

void er_dwconv_wide_s8(const er_conv_shape *shape, const int16_t *lines, const int16_t *weights,
                       const er_requant *requant, uint8_t *output) {
  const er_conv_shape *s = shape;
  const int32_t line_w = (s->out_w - 1) * s->stride_w + (s->filter_w - 1) * s->dilation_w + 1;
  const int64_t line_size = (int64_t)line_w * s->out_c;
  for (int32_t c = 0; c < s->out_c; c += BLOCK) {
    const int32_t channels = s->out_c - c < BLOCK ? s->out_c - c : BLOCK;
    for (int32_t x = 0; x < s->out_w; ++x) {
      const int16_t *pixel = lines + (int64_t)x * s->stride_w * s->out_c + c;
      int32_t sums[BLOCK];
      memcpy(sums, requant->bias + c, (size_t)channels * sizeof *sums);
      if (channels == BLOCK) {
        taps(s, line_size, pixel, weights + c, sums);
      } else {
        few_taps(s, line_size, pixel, weights + c, channels, sums);
      }
      er_requantize(channels, sums, requant->scale + c, requant->zero_point, requant->low,
                    requant->high, output + (int64_t)x * s->out_c + c);
    }
  }
}
