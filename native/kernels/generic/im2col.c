#include <string.h>

#include "kernels/kernels.h"

/* Where the patch of one output pixel starts in the input. */
typedef struct er_patch {
  int64_t image; /* first pixel of its image */
  int32_t y, x;
} er_patch;

static er_patch patch_at(const er_conv_shape *s, int32_t pixel) {
  const int32_t x = pixel % s->out_w;
  const int32_t line = pixel / s->out_w;
  const er_patch patch = {(int64_t)(line / s->out_h) * s->in_h * s->in_w,
                          line % s->out_h * s->stride_h - s->pad_top,
                          x * s->stride_w - s->pad_left};
  return patch;
}

static bool is_plain(const er_conv_shape *s) {
  return s->filter_h == 1 && s->filter_w == 1 && s->stride_h == 1 && s->stride_w == 1 &&
         s->groups == 1 && s->pad_top == 0 && s->pad_left == 0 && s->out_h == s->in_h &&
         s->out_w == s->in_w;
}

/* One line of a patch: filter_w pixels of filter_c channels, zeros where it leaves the image. */
static void patch_line(const er_conv_shape *s, edgert_type type, int32_t zero_point,
                       const void *input, int64_t line, int32_t x, int32_t channel, int16_t *row) {
  const int32_t c = s->filter_c;
  const bool inside = x >= 0 && x + (s->filter_w - 1) * s->dilation_w < s->in_w;
  if (inside && s->dilation_w == 1 && s->groups == 1) {
    er_widen(type, input, (line + x) * s->in_c, (int64_t)s->filter_w * c, zero_point, row);
    return;
  }
  for (int32_t j = 0; j < s->filter_w; ++j, row += c) {
    const int32_t at = x + j * s->dilation_w;
    if (at < 0 || at >= s->in_w) {
      memset(row, 0, (size_t)c * sizeof *row);
    } else {
      er_widen(type, input, (line + at) * s->in_c + channel, c, zero_point, row);
    }
  }
}

void er_im2col(const er_conv_shape *shape, edgert_type type, int32_t zero_point, const void *input,
               int32_t group, int32_t depth, int32_t first, int32_t last, int16_t *rows) {
  const er_conv_shape *s = shape;
  const int32_t line_size = s->filter_w * s->filter_c;
  const int32_t used = s->filter_h * line_size;
  if (is_plain(s) && used == depth) {
    er_widen(type, input, (int64_t)first * depth, (int64_t)(last - first) * depth, zero_point,
             rows);
    return;
  }
  for (int32_t pixel = first; pixel < last; ++pixel, rows += depth) {
    const er_patch patch = patch_at(s, pixel);
    for (int32_t i = 0; i < s->filter_h; ++i) {
      const int32_t y = patch.y + i * s->dilation_h;
      int16_t *row = rows + i * line_size;
      if (y < 0 || y >= s->in_h) {
        memset(row, 0, (size_t)line_size * sizeof *row);
      } else {
        patch_line(s, type, zero_point, input, patch.image + (int64_t)y * s->in_w, patch.x,
                   group * s->filter_c, row);
      }
    }
    memset(rows + used, 0, (size_t)(depth - used) * sizeof *rows);
  }
}
