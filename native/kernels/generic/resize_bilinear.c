#include <math.h>

#include "kernels/kernels.h"
#include "kernels/load.h"

/* The two input positions that an output position lies between. */
typedef struct er_between {
  int32_t low, high;
  int32_t weight; /* of `high`, in units of 1 / 2^bits */
} er_between;

/* 8 bits: the position in float32, its fraction in 11 bits. */
static er_between place_s8(const er_resize_shape *s, int32_t i, int32_t in, int32_t out) {
  const bool corners = s->align_corners && out > 1;
  const float scale = corners ? (float)(in - 1) / (float)(out - 1) : (float)in / (float)out;
  float at = s->half_pixel_centers ? ((float)i + 0.5f) * scale - 0.5f : (float)i * scale;
  at = at < 0.0f ? 0.0f : at;
  const int32_t low = (int32_t)at < in - 1 ? (int32_t)at : in - 1;
  const float fraction = at - (float)low;
  return (er_between){low, low + 1 < in ? low + 1 : low, (int32_t)rintf(fraction * 2048.0f)};
}

/* 16 bits: the position in units of 1 / 1024. */
static er_between place_s16(const er_resize_shape *s, int32_t i, int32_t in, int32_t out) {
  const bool corners = s->align_corners && out > 1;
  const int64_t from = corners ? in - 1 : in, to = corners ? out - 1 : out;
  const int64_t scale = (1024 * from + to / 2) / to;
  const int64_t at = i * scale + (s->half_pixel_centers ? scale / 2 - 512 : 0);
  const int64_t low = at > 0 ? at / 1024 : 0;
  const int64_t above = at > 0 ? (at + 1023) / 1024 : 0;
  return (er_between){(int32_t)(low < in ? low : in - 1), (int32_t)(above < in ? above : in - 1),
                      (int32_t)(at - low * 1024)};
}

static er_between place(const er_resize_shape *s, edgert_type type, int32_t i, int32_t in,
                        int32_t out) {
  return type == EDGERT_INT16 ? place_s16(s, i, in, out) : place_s8(s, i, in, out);
}

static int64_t mix_s8(const int64_t v[4], int64_t x, int64_t y) {
  const int64_t top = v[0] * 2048 + (v[1] - v[0]) * x;
  const int64_t bottom = v[2] * 2048 + (v[3] - v[2]) * x;
  return (top * 2048 + (bottom - top) * y + (1 << 21)) >> 22;
}

static int64_t mix_s16(const int64_t v[4], int64_t x, int64_t y) {
  const int64_t sum =
      v[0] * (1024 - y) * (1024 - x) + v[2] * y * (1024 - x) + v[1] * (1024 - y) * x + v[3] * y * x;
  return (sum + (sum > 0 ? 1 << 19 : -(1 << 19))) / (1 << 20);
}

void er_resize_bilinear(const er_resize_shape *shape, edgert_type type, const void *input,
                        void *output, int32_t first, int32_t last) {
  const er_resize_shape *s = shape;
  int64_t to = (int64_t)first * s->out_w * s->c;
  for (int32_t row = first; row < last; ++row) {
    const er_between y = place(s, type, row % s->out_h, s->in_h, s->out_h);
    const int64_t image = (int64_t)(row / s->out_h) * s->in_h;
    const int64_t top = (image + y.low) * s->in_w, bottom = (image + y.high) * s->in_w;
    for (int32_t i = 0; i < s->out_w; ++i) {
      const er_between x = place(s, type, i, s->in_w, s->out_w);
      for (int32_t c = 0; c < s->c; ++c, ++to) {
        const int64_t v[4] = {er_load(type, input, (top + x.low) * s->c + c),
                              er_load(type, input, (top + x.high) * s->c + c),
                              er_load(type, input, (bottom + x.low) * s->c + c),
                              er_load(type, input, (bottom + x.high) * s->c + c)};
        er_store(
            type, output, to,
            type == EDGERT_INT16 ? mix_s16(v, x.weight, y.weight) : mix_s8(v, x.weight, y.weight));
      }
    }
  }
}
