/* AVERAGE_POOL_2D, MAX_POOL_2D and L2_POOL_2D in float32, over the pixels inside of the input. */
#include <math.h>

#include "kernels/float.h"

typedef enum { AVERAGE, MAXIMUM, SQUARES } pool_kind;

typedef struct window {
  int32_t top, bottom, left, right; /* [top, bottom) x [left, right) of the input */
} window;

static window window_of(const er_conv_shape *s, int32_t y, int32_t x) {
  const int32_t top = y * s->stride_h - s->pad_top, left = x * s->stride_w - s->pad_left;
  const int32_t bottom = top + s->filter_h, right = left + s->filter_w;
  return (window){top < 0 ? 0 : top, bottom > s->in_h ? s->in_h : bottom, left < 0 ? 0 : left,
                  right > s->in_w ? s->in_w : right};
}

/* @param pixel [count]  @param output [count] */
static void take(pool_kind kind, int32_t count, const float *pixel, float *output) {
  for (int32_t c = 0; c < count; c++) {
    if (kind == AVERAGE) output[c] += pixel[c];
    if (kind == SQUARES) output[c] += pixel[c] * pixel[c];
    if (kind == MAXIMUM) output[c] = pixel[c] > output[c] ? pixel[c] : output[c];
  }
}

static void pool_pixel(pool_kind kind, const er_pool_f32_call *c, const float *image, window w,
                       float *output) {
  const er_conv_shape *s = c->shape;
  const bool cut = w.bottom - w.top < s->filter_h || w.right - w.left < s->filter_w;
  const float least = cut ? c->border : -INFINITY;
  for (int32_t i = 0; i < s->out_c; i++) output[i] = kind == MAXIMUM ? least : 0.0f;
  for (int32_t y = w.top; y < w.bottom; y++) {
    for (int32_t x = w.left; x < w.right; x++) {
      take(kind, s->out_c, image + ((int64_t)y * s->in_w + x) * s->in_c, output);
    }
  }
}

static float finish(pool_kind kind, float value, float pixels, float low, float high) {
  if (kind == AVERAGE) value = value / pixels;
  if (kind == SQUARES) value = sqrtf(value / pixels);
  value = value < low ? low : value;
  return value > high ? high : value;
}

static void pool(pool_kind kind, const er_pool_f32_call *c) {
  const er_conv_shape *s = c->shape;
  for (int32_t row = c->first; row < c->last; row++) {
    const float *image = c->input + (int64_t)(row / s->out_h) * s->in_h * s->in_w * s->in_c;
    for (int32_t x = 0; x < s->out_w; x++) {
      const window w = window_of(s, row % s->out_h, x);
      const float pixels = (float)((w.bottom - w.top) * (w.right - w.left));
      float *to = c->output + ((int64_t)row * s->out_w + x) * s->out_c;
      pool_pixel(kind, c, image, w, to);
      for (int32_t i = 0; i < s->out_c; i++) to[i] = finish(kind, to[i], pixels, c->low, c->high);
    }
  }
}

void er_average_pool_f32(const er_pool_f32_call *call) { pool(AVERAGE, call); }
void er_max_pool_f32(const er_pool_f32_call *call) { pool(MAXIMUM, call); }
void er_l2_pool_f32(const er_pool_f32_call *call) { pool(SQUARES, call); }
