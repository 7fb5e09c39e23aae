/* DEPTHWISE_CONV_2D in float32: for each pixel, all channels at once, tap by tap. */
#include "kernels/float.h"

/* output[c] += taps of one input pixel. @param weights [out_c] of this tap */
static void add_tap(const er_conv_shape *s, const float *pixel, const float *weights,
                    float *output) {
  if (s->multiplier == 1) {
    for (int32_t c = 0; c < s->out_c; c++) output[c] += pixel[c] * weights[c];
    return;
  }
  for (int32_t c = 0; c < s->out_c; c++) output[c] += pixel[c / s->multiplier] * weights[c];
}

static void one_pixel(const er_conv_shape *s, const float *image, const float *weights,
                      const float *bias, int32_t y, int32_t x, float *output) {
  for (int32_t c = 0; c < s->out_c; c++) output[c] = bias ? bias[c] : 0.0f;
  for (int32_t i = 0; i < s->filter_h; i++) {
    const int32_t iy = y * s->stride_h - s->pad_top + i * s->dilation_h;
    if (iy < 0 || iy >= s->in_h) continue;
    for (int32_t j = 0; j < s->filter_w; j++) {
      const int32_t ix = x * s->stride_w - s->pad_left + j * s->dilation_w;
      if (ix < 0 || ix >= s->in_w) continue;
      add_tap(s, image + ((int64_t)iy * s->in_w + ix) * s->in_c,
              weights + (int64_t)(i * s->filter_w + j) * s->out_c, output);
    }
  }
}

void er_dwconv_f32(const er_conv_shape *s, const float *input, const float *weights,
                   const float *bias, float low, float high, float *output, int32_t first,
                   int32_t last) {
  for (int32_t row = first; row < last; row++) {
    const float *image = input + (int64_t)(row / s->out_h) * s->in_h * s->in_w * s->in_c;
    for (int32_t x = 0; x < s->out_w; x++) {
      float *pixel = output + ((int64_t)row * s->out_w + x) * s->out_c;
      one_pixel(s, image, weights, bias, row % s->out_h, x, pixel);
      for (int32_t c = 0; c < s->out_c; c++) {
        const float bounded = pixel[c] < low ? low : pixel[c];
        pixel[c] = bounded > high ? high : bounded;
      }
    }
  }
}
