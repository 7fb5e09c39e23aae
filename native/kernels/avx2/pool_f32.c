/* MAX_POOL_2D and AVERAGE_POOL_2D of float images with AVX2: 8 or 32 channels of a window at a time. */
#include <math.h>

#include "avx2.h"
#include "kernels/float.h"

enum { LANES = 8, VECTORS = 4 /* of channels at once */ };

static int32_t clip(int32_t value, int32_t most) {
  return value < 0 ? 0 : value > most ? most : value;
}

/* The part of a window that lies inside of the image. */
typedef struct window {
  const float *input; /* its first pixel */
  int32_t height, width;
} window;

static window window_at(const er_conv_shape *s, const float *image, int32_t y, int32_t x) {
  const int32_t top = y * s->stride_h - s->pad_top, left = x * s->stride_w - s->pad_left;
  const int32_t from_y = clip(top, s->in_h), from_x = clip(left, s->in_w);
  return (window){.input = image + ((int64_t)from_y * s->in_w + from_x) * s->in_c,
                  .height = clip(top + s->filter_h, s->in_h) - from_y,
                  .width = clip(left + s->filter_w, s->in_w) - from_x};
}

/* As in C: pixel > most ? pixel : most. */
static ER_ALWAYS_INLINE __m256 take(const bool average, __m256 total, __m256 pixel) {
  return average ? _mm256_add_ps(total, pixel) : _mm256_max_ps(pixel, total);
}

/* Some vectors of channels of one output pixel, from `channel` on. */
static ER_ALWAYS_INLINE void pool_pixel(const bool average, const int vectors,
                                        const er_pool_f32_call *c, const window *w, int32_t channel,
                                        float *to) {
  const er_conv_shape *s = c->shape;
  const bool cut = w->height < s->filter_h || w->width < s->filter_w;
  const __m256 pixels = _mm256_set1_ps((float)(w->height * w->width));
  __m256 total[VECTORS];
  for (int v = 0; v < vectors; v++) {
    total[v] = _mm256_set1_ps(average ? 0.0f : cut ? c->border : -INFINITY);
  }
  for (int32_t y = 0; y < w->height; y++) {
    const float *x = w->input + (int64_t)y * s->in_w * s->in_c + channel;
    for (int32_t i = 0; i < w->width; i++, x += s->in_c) {
      for (int v = 0; v < vectors; v++) {
        total[v] = take(average, total[v], _mm256_loadu_ps(x + v * LANES));
      }
    }
  }
  for (int v = 0; v < vectors; v++) {
    if (average) total[v] = _mm256_div_ps(total[v], pixels);
    total[v] = _mm256_max_ps(_mm256_set1_ps(c->low), total[v]);
    _mm256_storeu_ps(to + channel + v * LANES, _mm256_min_ps(_mm256_set1_ps(c->high), total[v]));
  }
}

static ER_ALWAYS_INLINE void pool(const bool average, const er_pool_f32_call *c) {
  const er_conv_shape *s = c->shape;
  const int64_t image = (int64_t)s->in_h * s->in_w * s->in_c;
  float *to = c->output + (int64_t)c->first * s->out_w * s->out_c;
  for (int32_t row = c->first; row < c->last; row++) {
    const float *from = c->input + row / s->out_h * image;
    const int32_t y = row % s->out_h;
    for (int32_t x = 0; x < s->out_w; x++, to += s->out_c) {
      const window w = window_at(s, from, y, x);
      int32_t i = 0;
      for (; i + VECTORS * LANES <= s->in_c; i += VECTORS * LANES) {
        pool_pixel(average, VECTORS, c, &w, i, to);
      }
      for (; i < s->in_c; i += LANES) { /* the last ones overlap */
        pool_pixel(average, 1, c, &w, i + LANES <= s->in_c ? i : s->in_c - LANES, to);
      }
    }
  }
}

void er_max_pool_f32_avx2(const er_pool_f32_call *c) {
  if (c->shape->in_c < LANES) {
    er_max_pool_f32(c);
  } else {
    pool(false, c);
  }
}

void er_average_pool_f32_avx2(const er_pool_f32_call *c) {
  if (c->shape->in_c < LANES) {
    er_average_pool_f32(c);
  } else {
    pool(true, c);
  }
}
