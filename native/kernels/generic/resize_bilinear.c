/* RESIZE_BILINEAR of integers. Other instruction sets compile this file again. */
#include <math.h>

#include "kernels/kernels.h"

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

/* ---- 8 bits: no step leaves int32 ------------------------------------------------------------ */

enum { COLUMNS = 64 /* whose places are found once for all lines */ };

/* One pixel from its four neighbours. */
static inline void mix_pixel(bool is_unsigned, int32_t channels, const uint8_t *const from[4],
                             int32_t x, int32_t y, uint8_t *restrict output) {
  for (int32_t c = 0; c < channels; ++c) {
    int32_t v[4];
    for (int32_t i = 0; i < 4; ++i) v[i] = is_unsigned ? from[i][c] : (int8_t)from[i][c];
    const int32_t top = v[0] * 2048 + (v[1] - v[0]) * x;
    const int32_t bottom = v[2] * 2048 + (v[3] - v[2]) * x;
    output[c] = (uint8_t)((top * 2048 + (bottom - top) * y + (1 << 21)) >> 22);
  }
}

/* Pixels of one line. @param lines the two input lines  @param places [count] */
static void mix_line(bool is_unsigned, int32_t channels, const uint8_t *const lines[2], int32_t y,
                     int32_t count, const er_between *places, uint8_t *output) {
  for (int32_t i = 0; i < count; ++i, output += channels) {
    const int64_t low = (int64_t)places[i].low * channels,
                  high = (int64_t)places[i].high * channels;
    const uint8_t *const from[] = {lines[0] + low, lines[0] + high, lines[1] + low,
                                   lines[1] + high};
    if (is_unsigned) {
      mix_pixel(true, channels, from, places[i].weight, y, output);
    } else {
      mix_pixel(false, channels, from, places[i].weight, y, output);
    }
  }
}

static void resize_s8(const er_resize_shape *s, bool is_unsigned, const uint8_t *input,
                      uint8_t *output, int32_t first, int32_t last) {
  er_between places[COLUMNS];
  const int64_t line = (int64_t)s->in_w * s->c;
  for (int32_t column = 0; column < s->out_w; column += COLUMNS) {
    const int32_t count = s->out_w - column < COLUMNS ? s->out_w - column : COLUMNS;
    for (int32_t i = 0; i < count; ++i) places[i] = place_s8(s, column + i, s->in_w, s->out_w);
    for (int32_t row = first; row < last; ++row) {
      const er_between y = place_s8(s, row % s->out_h, s->in_h, s->out_h);
      const int64_t image = (int64_t)(row / s->out_h) * s->in_h;
      const uint8_t *const lines[] = {input + (image + y.low) * line,
                                      input + (image + y.high) * line};
      mix_line(is_unsigned, s->c, lines, y.weight, count, places,
               output + ((int64_t)row * s->out_w + column) * s->c);
    }
  }
}

/* ---- 16 bits --------------------------------------------------------------------------------- */

static int64_t mix_s16(const int64_t v[4], int64_t x, int64_t y) {
  const int64_t sum =
      v[0] * (1024 - y) * (1024 - x) + v[2] * y * (1024 - x) + v[1] * (1024 - y) * x + v[3] * y * x;
  return (sum + (sum > 0 ? 1 << 19 : -(1 << 19))) / (1 << 20);
}

static void resize_s16(const er_resize_shape *s, const int16_t *input, int16_t *output,
                       int32_t first, int32_t last) {
  output += (int64_t)first * s->out_w * s->c;
  for (int32_t row = first; row < last; ++row) {
    const er_between y = place_s16(s, row % s->out_h, s->in_h, s->out_h);
    const int64_t image = (int64_t)(row / s->out_h) * s->in_h;
    const int64_t top = (image + y.low) * s->in_w, bottom = (image + y.high) * s->in_w;
    for (int32_t i = 0; i < s->out_w; ++i) {
      const er_between x = place_s16(s, i, s->in_w, s->out_w);
      for (int32_t c = 0; c < s->c; ++c) {
        const int64_t v[4] = {input[(top + x.low) * s->c + c], input[(top + x.high) * s->c + c],
                              input[(bottom + x.low) * s->c + c],
                              input[(bottom + x.high) * s->c + c]};
        *output++ = (int16_t)mix_s16(v, x.weight, y.weight);
      }
    }
  }
}

void er_resize_bilinear(const er_resize_shape *shape, edgert_type type, const void *input,
                        void *output, int32_t first, int32_t last) {
  if (type == EDGERT_INT16) {
    resize_s16(shape, input, output, first, last);
  } else {
    resize_s8(shape, type == EDGERT_UINT8, input, output, first, last);
  }
}
