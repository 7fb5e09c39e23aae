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

static int32_t between(int32_t low, int32_t value, int32_t high) {
  return value < low ? low : value > high ? high : value;
}

static er_padded_line padded_line(const er_patch_lines *l) {
  const er_conv_shape *s = &l->shape;
  const int64_t pixel = (int64_t)s->in_c * l->element;
  const int32_t left = between(0, s->pad_left, width(s));
  const int32_t inside = between(0, s->in_w, width(s) - left);
  return (er_padded_line){.left = left * pixel,
                          .inside = inside * pixel,
                          .right = (width(s) - left - inside) * pixel,
                          .pitch = (int64_t)s->in_w * l->in_c * l->element};
}

/* A group's channels out of each pixel of lines, and the padding around.
 * @param input from the group's first channel on */
static void take_channels(const er_patch_lines *l, const er_padded_line *line, int8_t zero_point,
                          int32_t count, const char *input, char *to) {
  const int64_t pixel = (int64_t)l->shape.in_c * l->element;
  const er_patch_gather gather = {.pieces = 1,
                                  .width = (int32_t)(line->inside / pixel),
                                  .bytes = pixel,
                                  .patch_stride = (int64_t)l->in_c * l->element};
  for (; count > 0; count--, input += line->pitch, to += l->line_bytes) {
    memset(to, zero_point, (size_t)line->left);
    er_gather_patches(&gather, input, 0, gather.width, to + line->left);
    memset(to + line->left + line->inside, zero_point, (size_t)line->right);
  }
}

const void *er_patch_lines_get(const er_patch_lines *l, int8_t zero_point, const void *input,
                               int32_t group, int32_t line, int32_t rows, void *scratch) {
  const er_conv_shape *s = &l->shape;
  const er_padded_line padded = padded_line(l);
  const int32_t top = line % s->out_h * s->stride_h - s->pad_top, all = height(s, rows);
  const int32_t above = between(0, -top, all);
  const int32_t inside = between(0, s->in_h - top - above, all - above);
  const int64_t first = (int64_t)(line / s->out_h) * s->in_h + top + above;
  const char *from = (const char *)input + first * padded.pitch;
  if (l->direct) return from;
  char *to = scratch, *below = to + (size_t)(above + inside) * l->line_bytes;
  memset(to, zero_point, (size_t)above * l->line_bytes);
  to += (size_t)above * l->line_bytes;
  if (s->groups > 1) {
    const char *channels = from + (int64_t)group * s->in_c * l->element;
    take_channels(l, &padded, zero_point, inside, channels, to);
  } else {
    er_pad_lines(&padded, zero_point, inside, from, to);
  }
  memset(below, zero_point, (size_t)(all - above - inside) * l->line_bytes);
  return scratch;
}
