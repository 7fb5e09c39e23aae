/* TRANSPOSE_CONV in float32: each input pixel adds its filter to the output. */
#include "kernels/float.h"

static float dot(const float *a, const float *b, int32_t count) {
  float sum = 0.0f;
  for (int32_t i = 0; i < count; i++) sum += a[i] * b[i];
  return sum;
}

/* Add input pixel (y, x) to the image. @param pixel [in_c]  @param image [out_h, out_w, out_c] */
static void scatter(const er_conv_shape *s, const float *pixel, const float *weights, int32_t y,
                    int32_t x, float *image) {
  const int64_t filter = (int64_t)s->filter_h * s->filter_w * s->in_c;
  for (int32_t i = 0; i < s->filter_h; i++) {
    const int32_t oy = y * s->stride_h - s->pad_top + i * s->dilation_h;
    if (oy < 0 || oy >= s->out_h) continue;
    for (int32_t j = 0; j < s->filter_w; j++) {
      const int32_t ox = x * s->stride_w - s->pad_left + j * s->dilation_w;
      if (ox < 0 || ox >= s->out_w) continue;
      float *to = image + ((int64_t)oy * s->out_w + ox) * s->out_c;
      const float *tap = weights + (int64_t)(i * s->filter_w + j) * s->in_c;
      for (int32_t o = 0; o < s->out_c; o++) to[o] += dot(pixel, tap + o * filter, s->in_c);
    }
  }
}

void er_transpose_conv_f32(const er_conv_shape *s, const float *input, const float *weights,
                           const float *bias, float low, float high, float *output, int32_t first,
                           int32_t last) {
  const int64_t in_image = (int64_t)s->in_h * s->in_w * s->in_c;
  const int64_t out_image = (int64_t)s->out_h * s->out_w * s->out_c;
  for (int32_t b = first; b < last; b++) {
    float *image = output + b * out_image;
    for (int64_t i = 0; i < out_image; i++) image[i] = bias ? bias[i % s->out_c] : 0.0f;
    for (int32_t y = 0; y < s->in_h; y++) {
      for (int32_t x = 0; x < s->in_w; x++) {
        const int64_t at = ((int64_t)y * s->in_w + x) * s->in_c;
        scatter(s, input + b * in_image + at, weights, y, x, image);
      }
    }
    for (int64_t i = 0; i < out_image; i++) {
      const float bounded = image[i] < low ? low : image[i];
      image[i] = bounded > high ? high : bounded;
    }
  }
}
