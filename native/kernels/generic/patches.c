/* Rows of a convolution as a matrix, elements as they are stored, pixel by pixel: for
 * dilations. */
#include <string.h>

#include "kernels/kernels.h"

/* What an element is. */
typedef struct er_element {
  int64_t bytes;
  int value; /* of each byte outside of the image */
} er_element;

/* A line of patches side by side. */
typedef struct er_strip {
  const er_conv_shape *shape;
  er_element element;
  int64_t line_bytes;  /* filter_w pixels of filter_c channels */
  int64_t patch_bytes; /* filter_h of them: from one patch to the next */
  int64_t channel;     /* bytes from a pixel to the group's first channel */
} er_strip;

/* One line of patches [first, last) of an output line.
 * @param line of the input, which patch 0 reads from pixel -pad_left on */
static void line_of_patches(const er_strip *strip, const char *line, int32_t first, int32_t last,
                            char *to) {
  const er_conv_shape *s = strip->shape;
  const int64_t pixel = s->in_c * strip->element.bytes, part = s->filter_c * strip->element.bytes;
  for (int32_t n = first; n < last; n++, to += strip->patch_bytes) {
    for (int32_t j = 0; j < s->filter_w; j++) {
      const int32_t at = n * s->stride_w - s->pad_left + j * s->dilation_w;
      if (at < 0 || at >= s->in_w) {
        memset(to + j * part, strip->element.value, (size_t)part);
      } else {
        memcpy(to + j * part, line + at * pixel + strip->channel, (size_t)part);
      }
    }
  }
}

/* Patches [first, last) of line `row` of batch * out_h. */
static void output_line(const er_strip *strip, const char *input, int32_t row, int32_t first,
                        int32_t last, char *to) {
  const er_conv_shape *s = strip->shape;
  const int64_t pixel = s->in_c * strip->element.bytes, image = (int64_t)(row / s->out_h) * s->in_h;
  for (int32_t i = 0; i < s->filter_h; i++, to += strip->line_bytes) {
    const int32_t y = row % s->out_h * s->stride_h - s->pad_top + i * s->dilation_h;
    if (y < 0 || y >= s->in_h) {
      for (int32_t n = 0; n < last - first; n++) {
        memset(to + n * strip->patch_bytes, strip->element.value, (size_t)strip->line_bytes);
      }
      continue;
    }
    const char *line = input + (image + y) * s->in_w * pixel;
    line_of_patches(strip, line, first, last, to);
  }
}

static void im2col(const er_conv_shape *s, er_element element, const char *input, int32_t group,
                   int32_t first, int32_t last, char *rows) {
  const int64_t line_bytes = (int64_t)s->filter_w * s->filter_c * element.bytes;
  const er_strip strip = {s, element, line_bytes, s->filter_h * line_bytes,
                          (int64_t)group * s->filter_c * element.bytes};
  for (int32_t at = first; at < last;) {
    const int32_t row = at / s->out_w, from = at % s->out_w;
    const int32_t left = last - at, to = left < s->out_w - from ? from + left : s->out_w;
    output_line(&strip, input, row, from, to, rows + (at - first) * strip.patch_bytes);
    at += to - from;
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
