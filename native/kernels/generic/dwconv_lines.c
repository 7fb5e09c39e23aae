#include <string.h>

#include "kernels/kernels.h"

/* Repeat each channel `multiplier` times, back to front so that it works in place. */
static void spread(int16_t *pixels, int64_t count, int32_t multiplier) {
  for (int64_t i = count - 1; i >= 0; --i) {
    const int16_t value = pixels[i];
    for (int32_t m = multiplier - 1; m >= 0; --m) pixels[i * multiplier + m] = value;
  }
}

/* Input columns [from, to) of one line go to their place between the zeros. */
static void fill_line(const er_conv_shape *s, edgert_type type, int32_t zero_point,
                      const void *input, int64_t start, int32_t line_w, int16_t *line) {
  const int32_t from = s->pad_left < line_w ? s->pad_left : line_w;
  const int32_t end = s->pad_left + s->in_w;
  const int32_t to = end < line_w ? end : line_w;
  const size_t pixel = (size_t)s->out_c * sizeof *line;
  memset(line, 0, (size_t)from * pixel);
  memset(line + (int64_t)to * s->out_c, 0, (size_t)(line_w - to) * pixel);
  int16_t *inside = line + (int64_t)from * s->out_c;
  const int64_t count = (int64_t)(to - from) * s->in_c;
  er_widen(type, input, start * s->in_c, count, zero_point, inside);
  if (s->multiplier > 1) spread(inside, count, s->multiplier);
}

void er_dwconv_lines_int16(const er_conv_shape *shape, edgert_type type, int32_t zero_point,
                           const void *input, int32_t row, int16_t *lines) {
  const er_conv_shape *s = shape;
  const int32_t line_w = (s->out_w - 1) * s->stride_w + (s->filter_w - 1) * s->dilation_w + 1;
  const int64_t image = (int64_t)(row / s->out_h) * s->in_h;
  const int32_t top = row % s->out_h * s->stride_h - s->pad_top;
  for (int32_t i = 0; i < s->filter_h; ++i) {
    const int32_t y = top + i * s->dilation_h;
    int16_t *line = lines + (int64_t)i * line_w * s->out_c;
    if (y < 0 || y >= s->in_h) {
      memset(line, 0, (size_t)line_w * (size_t)s->out_c * sizeof *line);
    } else {
      fill_line(s, type, zero_point, input, (image + y) * s->in_w, line_w, line);
    }
  }
}
