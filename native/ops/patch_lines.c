#include "patch_lines.h"

#include <string.h>

#include "plan.h"

bool er_patches_stay(const er_conv_shape *s, int32_t step) {
  if (step == 0 || s->groups != 1 || s->dilation_h != 1 || s->dilation_w != 1) return false;
  return s->filter_w * s->in_c % step == 0;
}

static bool is_inside(const er_conv_shape *s) {
  return s->pad_top == 0 && s->pad_left == 0 &&
         (s->out_h - 1) * s->stride_h + s->filter_h <= s->in_h &&
         (s->out_w - 1) * s->stride_w + s->filter_w <= s->in_w;
}

/* Input lines under `rows` output lines. */
static int32_t height(const er_conv_shape *s, int32_t rows) {
  return (rows - 1) * s->stride_h + s->filter_h;
}

er_patch_lines er_patch_lines_under(const er_conv_shape *shape, int32_t element, int32_t rows) {
  er_patch_lines l = {
      .element = element, .shape = *shape, .direct = is_inside(shape), .rows = rows};
  l.shape.out_c = shape->in_c;
  l.shape.multiplier = 1;
  const int32_t width = (shape->out_w - 1) * shape->stride_w + shape->filter_w;
  l.line_bytes = (size_t)(l.direct ? shape->in_w : width) * (size_t)shape->in_c * (size_t)element;
  const size_t copied = (size_t)height(shape, rows) * l.line_bytes;
  l.thread_bytes = l.direct ? 0 : er_align_up(copied + ER_OVERREAD);
  return l;
}

er_patch_lines er_patch_lines_of(const er_conv_shape *shape, int32_t element, size_t bytes) {
  const er_patch_lines one = er_patch_lines_under(shape, element, 1);
  const size_t fitting = bytes / (one.line_bytes * (size_t)shape->stride_h);
  const int32_t rows = fitting < (size_t)shape->out_h ? (int32_t)fitting : shape->out_h;
  return er_patch_lines_under(shape, element, rows < 1 ? 1 : rows);
}

const void *er_patch_lines_get(const er_patch_lines *l, int8_t zero_point, const void *input,
                               int32_t line, int32_t rows, void *scratch) {
  const er_conv_shape *s = &l->shape;
  const int64_t image = (int64_t)(line / s->out_h) * s->in_h;
  const int64_t pitch = (int64_t)s->in_w * s->in_c * l->element;
  const int32_t top = line % s->out_h * s->stride_h - s->pad_top;
  if (l->direct) return (const char *)input + (image + top) * pitch;
  char *to = scratch;
  for (int32_t y = top; y < top + height(s, rows); y++, to += l->line_bytes) {
    if (y < 0 || y >= s->in_h) {
      memset(to, zero_point, l->line_bytes);
    } else {
      er_dwconv_line(s, l->element, (const char *)input + (image + y) * pitch, &zero_point, to);
    }
  }
  return scratch;
}
