/* Rows of a convolution as a matrix, elements as they are stored. */
#include <string.h>

#include "kernels/kernels.h"

/* Where the patch of one output pixel starts in the input. */
typedef struct er_patch {
  int64_t image; /* first pixel of its image */
  int32_t y, x;
} er_patch;

static er_patch patch_at(const er_conv_shape *s, int32_t pixel) {
  const int32_t line = pixel / s->out_w;
  return (er_patch){(int64_t)(line / s->out_h) * s->in_h * s->in_w,
                    line % s->out_h * s->stride_h - s->pad_top,
                    pixel % s->out_w * s->stride_w - s->pad_left};
}

/* To the patch of the next output pixel. */
static er_patch patch_after(const er_conv_shape *s, er_patch patch, int32_t pixel) {
  if (pixel % s->out_w == 0) return patch_at(s, pixel);
  patch.x += s->stride_w;
  return patch;
}

/* memcpy without a call for what patches are made of. */
static inline void copy(char *to, const char *from, size_t bytes) {
  if (bytes >= 16 && bytes <= 256) {
    for (size_t i = 0; i + 16 <= bytes; i += 16) memcpy(to + i, from + i, 16);
    memcpy(to + bytes - 16, from + bytes - 16, 16);
  } else if (bytes >= 8 && bytes <= 16) {
    memcpy(to, from, 8);
    memcpy(to + bytes - 8, from + bytes - 8, 8);
  } else if (bytes > 16) {
    memcpy(to, from, bytes);
  } else {
    for (size_t i = 0; i < bytes; i++) to[i] = from[i];
  }
}

/* What an element is: `fill` writes `count` elements that lie outside of the image. */
typedef struct er_element {
  size_t bytes;
  int value; /* of each byte outside */
} er_element;

/* One line of a patch, pixel by pixel: it leaves the image, or is dilated, or of one group. */
static void slow_line(const er_conv_shape *s, er_element e, const char *line, int32_t x,
                      int64_t channel, char *row) {
  const size_t bytes = (size_t)s->filter_c * e.bytes;
  for (int32_t j = 0; j < s->filter_w; j++, row += bytes) {
    const int32_t at = x + j * s->dilation_w;
    if (at < 0 || at >= s->in_w) {
      memset(row, e.value, bytes);
    } else {
      copy(row, line + (at * (int64_t)s->in_c + channel) * (int64_t)e.bytes, bytes);
    }
  }
}

static void gather(const er_conv_shape *s, er_element e, const char *input, int32_t group,
                   er_patch patch, char *row) {
  const size_t line_bytes = (size_t)s->filter_w * (size_t)s->filter_c * e.bytes;
  const bool whole =
      s->dilation_w == 1 && s->groups == 1 && patch.x >= 0 && patch.x + s->filter_w <= s->in_w;
  for (int32_t i = 0; i < s->filter_h; i++, row += line_bytes) {
    const int32_t y = patch.y + i * s->dilation_h;
    const char *line = input + (patch.image + (int64_t)y * s->in_w) * s->in_c * (int64_t)e.bytes;
    if (y < 0 || y >= s->in_h) {
      memset(row, e.value, line_bytes);
    } else if (whole) {
      copy(row, line + patch.x * (int64_t)s->in_c * (int64_t)e.bytes, line_bytes);
    } else {
      slow_line(s, e, line, patch.x, (int64_t)group * s->filter_c, row);
    }
  }
}

static void im2col(const er_conv_shape *s, er_element e, const char *input, int32_t group,
                   int32_t first, int32_t last, char *rows) {
  const size_t bytes = (size_t)s->filter_h * (size_t)s->filter_w * (size_t)s->filter_c * e.bytes;
  er_patch patch = patch_at(s, first);
  for (int32_t pixel = first; pixel < last; rows += bytes) {
    gather(s, e, input, group, patch, rows);
    patch = patch_after(s, patch, ++pixel);
  }
}

void er_im2col_s8(const er_conv_shape *shape, int8_t zero_point, const int8_t *input, int32_t group,
                  int32_t first, int32_t last, int8_t *rows) {
  im2col(shape, (er_element){1, zero_point}, (const char *)input, group, first, last, (char *)rows);
}

void er_im2col_f32(const er_conv_shape *shape, const float *input, int32_t group, int32_t first,
                   int32_t last, float *rows) {
  im2col(shape, (er_element){sizeof(float), 0}, (const char *)input, group, first, last,
         (char *)rows);
}
