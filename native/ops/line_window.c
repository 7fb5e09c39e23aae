#include "line_window.h"

#include <string.h>

/* Input lines from the first to the last that one output line reads. */
static int32_t span(const er_conv_shape *s) { return (s->filter_h - 1) * s->dilation_h + 1; }

static size_t list_bytes(const er_conv_shape *s) {
  return er_align_up((size_t)s->filter_h * sizeof(void *));
}

static size_t tag_bytes(const er_conv_shape *s) {
  return er_align_up((size_t)span(s) * sizeof(int64_t));
}

static size_t ring_bytes(const er_dwconv_lines *conv, bool makes) {
  return makes ? (size_t)span(&conv->shape) * conv->line_bytes : 0;
}

size_t er_line_window_bytes(const er_dwconv_lines *conv, bool makes) {
  const er_conv_shape *s = &conv->shape;
  const size_t kernel = conv->s8 ? conv->s8->scratch_bytes(&conv->spread) : 0;
  return list_bytes(s) + tag_bytes(s) + conv->line_bytes + ring_bytes(conv, makes) +
         er_align_up(kernel);
}

er_line_window er_line_window_open(const er_dwconv_lines *conv, er_line_source source,
                                   char *scratch) {
  const er_conv_shape *s = &conv->shape;
  const size_t ring = ring_bytes(conv, source.make != NULL);
  er_line_window w = {.conv = conv, .source = source};
  w.lines = (const void **)(void *)scratch;
  w.tags = (int64_t *)(void *)(scratch + list_bytes(s));
  w.padding = (char *)w.tags + tag_bytes(s);
  w.ring = w.padding + conv->line_bytes;
  w.kernel = w.ring + ring;
  for (int32_t i = 0; i < span(s); i++) w.tags[i] = -1;
  memset(w.padding, conv->s8 ? conv->zero_point : 0, conv->line_bytes + (source.pads ? 0 : ring));
  return w;
}

static const void *line_at(const er_line_window *w, int32_t image, int32_t y) {
  const er_conv_shape *s = &w->conv->shape;
  if (y < 0 || y >= s->in_h) return w->padding;
  const int64_t number = (int64_t)image * s->in_h + y;
  const char *from = w->source.input + (size_t)number * w->source.bytes;
  if (!w->source.make) return from;
  const int32_t place = y % span(s);
  char *to = w->ring + (size_t)place * w->conv->line_bytes;
  if (w->tags[place] != number) {
    w->source.make(w->source.arg, from, to);
    w->tags[place] = number;
  }
  return to;
}

void er_line_window_compute(const er_line_window *window, int32_t row, void *output) {
  const er_conv_shape *s = &window->conv->shape;
  const int32_t top = row % s->out_h * s->stride_h - s->pad_top;
  for (int32_t i = 0; i < s->filter_h; i++) {
    window->lines[i] = line_at(window, row / s->out_h, top + i * s->dilation_h);
  }
  er_dwconv_lines_one(window->conv, window->lines, output, window->kernel);
}
