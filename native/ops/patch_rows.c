#include "patch_rows.h"

er_patch_rows er_patch_rows_of(const er_conv_shape *shape, int32_t element, int32_t most) {
  er_patch_rows p = {.lines = {.element = element}, .in_lines = er_patches_stay(shape, 1)};
  if (!p.in_lines) return p;
  const int32_t touched = (most - 1) / shape->out_w + 2; /* output lines */
  p.lines = er_patch_lines_under(shape, element, touched < shape->out_h ? touched : shape->out_h);
  p.thread_bytes = p.lines.thread_bytes;
  return p;
}

static er_patch_gather gather_of(const er_patch_lines *lines) {
  const er_conv_shape *s = &lines->shape;
  const int64_t pixel = (int64_t)s->in_c * lines->element;
  return (er_patch_gather){.pieces = s->filter_h,
                           .width = s->out_w,
                           .bytes = s->filter_w * pixel,
                           .piece_stride = (int64_t)lines->line_bytes,
                           .patch_stride = s->stride_w * pixel,
                           .line_stride = s->stride_h * (int64_t)lines->line_bytes};
}

/* Image by image. */
static void get_from_lines(const er_patch_lines *lines, int8_t zero_point, const void *input,
                           int32_t group, int32_t first, int32_t last, char *rows, void *scratch) {
  const er_conv_shape *s = &lines->shape;
  const er_patch_gather gather = gather_of(lines);
  const int64_t patch = gather.pieces * gather.bytes;
  for (int32_t at = first, end; at < last; at = end) {
    const int32_t line = at / s->out_w, next_image = (line / s->out_h + 1) * s->out_h * s->out_w;
    end = last < next_image ? last : next_image;
    const int32_t touched = (end - 1) / s->out_w - line + 1;
    const void *from = er_patch_lines_get(lines, zero_point, input, group, line, touched, scratch);
    er_gather_patches(&gather, from, at % s->out_w, end - at, rows + (at - first) * patch);
  }
}

void er_patch_rows_get(const er_patch_rows *patches, const er_conv_shape *shape, int8_t zero_point,
                       const void *input, int32_t group, int32_t first, int32_t last, void *rows,
                       void *scratch) {
  if (patches->in_lines) {
    get_from_lines(&patches->lines, zero_point, input, group, first, last, rows, scratch);
  } else if (patches->lines.element == 1) {
    er_im2col_s8(shape, zero_point, input, group, first, last, rows);
  } else {
    er_im2col_f32(shape, input, group, first, last, rows);
  }
}
