#include "line_window.h"

#include <string.h>

/* Input lines from the first to the last that the output lines computed at once read. */
static int32_t places(const er_dwconv_lines *conv) {
  return (conv->shape.filter_h - 1) * conv->shape.dilation_h + conv->at_once;
}

static size_t list_bytes(const er_dwconv_lines *conv) {
  return er_align_up((size_t)(conv->shape.filter_h + conv->at_once - 1) * sizeof(void *));
}

static size_t tag_bytes(const er_dwconv_lines *conv) {
  return er_align_up((size_t)places(conv) * sizeof(int64_t));
}

static size_t ring_bytes(const er_dwconv_lines *conv, bool makes) {
  return makes ? (size_t)places(conv) * conv->line_bytes : 0;
}

size_t er_line_window_bytes(const er_dwconv_lines *conv, bool makes) {
  const size_t kernel = conv->s8 ? conv->s8->scratch_bytes(&conv->spread) : 0;
  return list_bytes(conv) + tag_bytes(conv) + conv->line_bytes + ring_bytes(conv, makes) +
         er_align_up(kernel);
}

/* What lies left and right of the image, in each line. */
static void pad_ring(const er_line_window *w, int value) {
  const er_dwconv_lines *conv = w->conv;
  const er_conv_shape *s = &conv->shape;
  const size_t pixel = (size_t)s->out_c * (conv->s8 ? 1 : sizeof(float));
  const size_t left = (size_t)s->pad_left * pixel, end = left + (size_t)s->in_w * pixel;
  char *line = w->ring;
  for (int32_t i = 0; i < places(conv); i++, line += conv->line_bytes) {
    memset(line, value, left);
    memset(line + end, value, conv->line_bytes - end);
  }
}

er_line_window er_line_window_open(const er_dwconv_lines *conv, er_line_source source,
                                   char *scratch) {
  const int outside = conv->s8 ? conv->zero_point : 0;
  er_line_window w = {.conv = conv, .source = source};
  w.lines = (const void **)(void *)scratch;
  w.tags = (int64_t *)(void *)(scratch + list_bytes(conv));
  w.padding = (char *)w.tags + tag_bytes(conv);
  w.ring = w.padding + conv->line_bytes;
  w.kernel = w.ring + ring_bytes(conv, source.make != NULL);
  for (int32_t i = 0; i < places(conv); i++) w.tags[i] = -1;
  memset(w.padding, outside, conv->line_bytes);
  if (source.make) pad_ring(&w, outside);
  return w;
}

/* @param place y mod places */
static const void *line_at(const er_line_window *w, int32_t image, int32_t y, int64_t place) {
  const er_conv_shape *s = &w->conv->shape;
  if (y < 0 || y >= s->in_h) return w->padding;
  const int64_t number = (int64_t)image * s->in_h + y;
  const char *from = w->source.input + (size_t)number * w->source.bytes;
  if (!w->source.make) return from;
  char *to = w->ring + (size_t)place * w->conv->line_bytes;
  if (w->tags[place] != number) {
    w->source.make(w->source.arg, from, to);
    w->tags[place] = number;
  }
  return to;
}

/* @param row,rows of one image, at most at_once */
static void compute(const er_line_window *w, int32_t image, int32_t row, int32_t rows,
                    void *output) {
  const er_conv_shape *s = &w->conv->shape;
  const int32_t count = places(w->conv);
  const int32_t top = row * s->stride_h - s->pad_top;
  int64_t place = top % count;
  for (int32_t i = 0; i < s->filter_h + rows - 1; i++, place += s->dilation_h) {
    if (place >= count) place -= count; /* the window is higher than one step down it */
    w->lines[i] = line_at(w, image, top + i * s->dilation_h, place);
  }
  er_dwconv_lines_compute(w->conv, rows, w->lines, output, w->kernel);
}

static int32_t least(int32_t a, int32_t b) { return a < b ? a : b; }

void er_line_window_compute(const er_line_window *window, int32_t first, int32_t last,
                            void *output) {
  const er_dwconv_lines *conv = window->conv;
  const size_t bytes = er_dwconv_lines_row_bytes(conv);
  const int32_t out_h = conv->shape.out_h;
  int32_t image = first / out_h, row = first % out_h;
  char *to = output;
  for (int32_t left = last - first, rows; left > 0; left -= rows, to += (size_t)rows * bytes) {
    rows = least(conv->at_once, least(left, out_h - row));
    compute(window, image, row, rows, to);
    row += rows;
    if (row < out_h) continue;
    row = 0;
    image++;
  }
}
