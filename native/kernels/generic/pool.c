#include "kernels/kernels.h"
#include "kernels/load.h"

/* The part of a window that lies inside of the image. */
typedef struct er_inside {
  int32_t top, bottom, left, right;
} er_inside;

static er_inside inside(const er_conv_shape *s, int32_t y, int32_t x) {
  const int32_t top = y * s->stride_h - s->pad_top, left = x * s->stride_w - s->pad_left;
  const er_inside part = {
      top < 0 ? 0 : top, top + s->filter_h > s->in_h ? s->in_h : top + s->filter_h,
      left < 0 ? 0 : left, left + s->filter_w > s->in_w ? s->in_w : left + s->filter_w};
  return part;
}

/* Ties away from zero. */
static int64_t mean(int64_t sum, int64_t count) {
  return sum > 0 ? (sum + count / 2) / count : (sum - count / 2) / count;
}

static inline int64_t pool(const er_conv_shape *s, edgert_type type, bool average, er_inside part,
                           const void *input, int64_t image) {
  int64_t sum = 0, most = INT64_MIN;
  for (int32_t y = part.top; y < part.bottom; ++y) {
    for (int32_t x = part.left; x < part.right; ++x) {
      const int64_t value = er_load(type, input, image + ((int64_t)y * s->in_w + x) * s->in_c);
      sum += value;
      most = value > most ? value : most;
    }
  }
  const int64_t count = (int64_t)(part.bottom - part.top) * (part.right - part.left);
  return average ? mean(sum, count) : most;
}

static inline void rows(const er_conv_shape *s, edgert_type type, bool average, int32_t low,
                        int32_t high, const void *input, void *output, int32_t first,
                        int32_t last) {
  int64_t at = (int64_t)first * s->out_w * s->in_c;
  for (int32_t row = first; row < last; ++row) {
    const int64_t image = (int64_t)(row / s->out_h) * s->in_h * s->in_w * s->in_c;
    for (int32_t x = 0; x < s->out_w; ++x) {
      const er_inside part = inside(s, row % s->out_h, x);
      for (int32_t c = 0; c < s->in_c; ++c, ++at) {
        er_store(type, output, at,
                 er_clamp(pool(s, type, average, part, input, image + c), low, high));
      }
    }
  }
}

void er_average_pool(const er_conv_shape *shape, edgert_type type, int32_t low, int32_t high,
                     const void *input, void *output, int32_t first, int32_t last) {
  if (type == EDGERT_INT8) {
    rows(shape, EDGERT_INT8, true, low, high, input, output, first, last);
  } else {
    rows(shape, type, true, low, high, input, output, first, last);
  }
}

void er_max_pool(const er_conv_shape *shape, edgert_type type, int32_t low, int32_t high,
                 const void *input, void *output, int32_t first, int32_t last) {
  if (type == EDGERT_INT8) {
    rows(shape, EDGERT_INT8, false, low, high, input, output, first, last);
  } else {
    rows(shape, type, false, low, high, input, output, first, last);
  }
}
