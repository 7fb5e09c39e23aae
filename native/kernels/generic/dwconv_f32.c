/* float32 depthwise convolution: for each pixel, all channels at once, tap by tap. */
#include "kernels/generic/generic.h"

static void one_pixel(const er_dwconv_f32_call *c, int32_t x, float *output) {
  const er_conv_shape *s = c->shape;
  const float *weights = c->weights;
  for (int32_t u = 0; u < s->out_c; u++) output[u] = c->bias ? c->bias[u] : 0.0f;
  for (int32_t i = 0; i < s->filter_h; i++) {
    for (int32_t j = 0; j < s->filter_w; j++, weights += s->out_c) {
      const float *pixel =
          c->lines[i] + ((int64_t)x * s->stride_w + (int64_t)j * s->dilation_w) * s->out_c;
      for (int32_t u = 0; u < s->out_c; u++) output[u] += pixel[u] * weights[u];
    }
  }
}

void er_dwconv_f32_generic(const er_dwconv_f32_call *c) {
  for (int32_t x = 0; x < c->shape->out_w; x++) {
    float *pixel = c->output + (int64_t)x * c->shape->out_c;
    one_pixel(c, x, pixel);
    for (int32_t u = 0; u < c->shape->out_c; u++) {
      const float bounded = pixel[u] < c->low ? c->low : pixel[u];
      pixel[u] = bounded > c->high ? c->high : bounded;
    }
  }
}
