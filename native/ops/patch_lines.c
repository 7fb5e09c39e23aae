#include "patch_lines.h"

#include <string.h>

#include "plan.h"

bool er_patches_stay(const er_conv_shape *s, int32_t step) {
  if (step == 0 || s->dilation_h != 1 || s->dilation_w != 1) return false;
  return s->filter_w * s->filter_c % step == 0;
}

static bool is_inside(const er_conv_shape *s) {
  return s->groups == 1 && s->pad_top == 0 && s->pad_left == 0 &&
         (s->out_h - 1) * s->stride_h + s->filter_h <= s->in_h &&
         (s->out_w - 1) * s->stride_w + s->filter_w <= s->in_w;
}

/* Pixels of a padded line. */
static int32_t width(const er_conv_shape *s) { return (s->out_w - 1) * s->stride_w + s->filter_w; }

/* Input lines under `rows` output lines. */
static int32_t height(const er_conv_shape *s, int32_t rows) {
  return (rows - 1) * s->stride_h + s->filter_h;
}

er_patch_lines er_patch_lines_under(const er_conv_shape *shape, int32_t element, int32_t rows) {
  er_patch_lines l = {
      .element = element, .shape = *shape, .in_c = shape->in_c, .direct = is_inside(shape)};
  l.rows = rows;
  l.shape.in_c = l.shape.out_c = shape->filter_c;
  l.shape.multiplier = 1;
  const size_t pixel = (size_t)shape->filter_c * (size_t)element;
  l.line_bytes = (size_t)(l.direct ? shape->in_w : width(shape)) * pixel;
  const size_t copied = (size_t)height(shape, rows) * l.line_bytes;
  l.thread_bytes = l.direct ? 0 : er_align_up(copied + ER_OVERREAD);
  return l;
}

er_patch_lines er_patch_lines_of(const er_conv_shape *shape, int32_t element, size_t bytes) {
  const er_patch_lines one = er_patch_lines_under(shape, element, 1);
  const size_t all_groups = one.line_bytes * (size_t)shape->groups;
  const size_t fitting = bytes / (all_groups * (size_t)shape->stride_h);
  const int32_t rows = fitting < (size_t)shape->out_h ? (int32_t)fitting : shape->out_h;
  return er_patch_lines_under(shape, element, rows < 1 ? 1 : rows);
}

/* A group's channels out of each pixel of a line, and the padding around.
 * @param line from the group's first channel on */
static void take_channels(const er_patch_lines *l, int8_t zero_point, const char *line, char *to) {
  const er_conv_shape *s = &l->shape;
  const int64_t pixel = (int64_t)s->in_c * l->element;
  const int32_t left = s->pad_left < width(s) ? s->pad_left : width(s);
  const int32_t inside = s->in_w < width(s) - left ? s->in_w : width(s) - left;
  const int64_t start = left * pixel, end = start + inside * pixel;
  memset(to, zero_point, (size_t)start);
  er_gather_patches(&(er_patch_gather){.pieces = 1,
                                       .width = inside,
                                       .bytes = pixel,
                                       .patch_stride = (int64_t)l->in_c * l->element},
                    line, 0, inside, to + start);
  memset(to + end, zero_point, l->line_bytes - (size_t)end);
}

const void *er_patch_lines_get(const er_patch_lines *l, int8_t zero_point, const void *input,
                               int32_t group, int32_t line, int32_t rows, void *scratch) {
  const er_conv_shape *s = &l->shape;
  const int64_t image = (int64_t)(line / s->out_h) * s->in_h;
  const int64_t pitch = (int64_t)s->in_w * l->in_c * l->element;
  const int64_t channel = (int64_t)group * s->in_c * l->element;
  const int32_t top = line % s->out_h * s->stride_h - s->pad_top;
  if (l->direct) return (const char *)input + (image + top) * pitch;
  char *to = scratch;
  for (int32_t y = top; y < top + height(s, rows); y++, to += l->line_bytes) {
    const char *from = (const char *)input + (image + y) * pitch + channel;
    if (y < 0 || y >= s->in_h) {
      memset(to, zero_point, l->line_bytes);
    } else if (s->groups > 1) {
      take_channels(l, zero_point, from, to);
    } else {
      er_dwconv_line(s, l->element, from, &zero_point, to);
    }
  }
  return scratch;
}
