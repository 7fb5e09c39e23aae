/* Rows of a convolution as a matrix, elements as they are stored: one line of all patches of an
 * output line at a time, so that the copies are a plain loop. */
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

/* `count` copies; the pieces, of constant size, may overlap. */
#define COPIES(size, pieces)                                                                 \
  for (int32_t n = 0; n < count; n++, to += to_step, from += from_step) {                    \
    for (int32_t p = 0; p < (pieces) - 1; p++) memcpy(to + p * size, from + p * size, size); \
    memcpy(to + bytes - size, from + bytes - size, size);                                    \
  }

static void short_copies(char *to, int64_t to_step, const char *from, int64_t from_step,
                         int64_t bytes, int32_t count) {
  if (bytes >= 32) {
    COPIES(32, 2)
  } else if (bytes >= 16) {
    COPIES(16, 2)
  } else if (bytes >= 8) {
    COPIES(8, 2)
  } else if (bytes >= 4) {
    COPIES(4, 2)
  } else {
    COPIES(1, bytes)
  }
}

enum { SHORT_LINE = 16, SHORT = 64, LONG = 1024 }; /* bytes */

static void copies(char *to, int64_t to_step, const char *from, int64_t from_step, int64_t bytes,
                   int32_t count) {
  if (bytes > LONG) {
    for (int32_t n = 0; n < count; n++) {
      memcpy(to + n * to_step, from + n * from_step, (size_t)bytes);
    }
    return;
  }
  for (int64_t at = 0; at < bytes; at += SHORT) { /* the last piece may overlap */
    const int64_t start = at + SHORT <= bytes || bytes < SHORT ? at : bytes - SHORT;
    short_copies(to + start, to_step, from + start, from_step, bytes < SHORT ? bytes : SHORT,
                 count);
  }
}

/* Patches [first, last) of an output line, pixel by pixel: dilated, or of one group.
 * @param line of the input, which patch 0 reads from pixel -pad_left on */
static void slow(const er_strip *strip, const char *line, int32_t first, int32_t last, char *to) {
  const er_conv_shape *s = strip->shape;
  const int64_t pixel = s->in_c * strip->element.bytes, part = s->filter_c * strip->element.bytes;
  for (int32_t n = first; n < last; n++, to += strip->patch_bytes) {
    for (int32_t j = 0; j < s->filter_w; j++) {
      const int32_t at = n * s->stride_w - s->pad_left + j * s->dilation_w;
      if (at < 0 || at >= s->in_w) {
        memset(to + j * part, strip->element.value, (size_t)part);
      } else {
        copies(to + j * part, 0, line + at * pixel + strip->channel, 0, part, 1);
      }
    }
  }
}

static int32_t between(int32_t low, int64_t value, int32_t high) {
  return value < low ? low : value > high ? high : (int32_t)value;
}

/* The same where pixels lie side by side, for patches that leave the image: byte by byte. */
static void short_edge(const er_strip *strip, const char *line, int32_t first, int32_t last,
                       char *to) {
  const er_conv_shape *s = strip->shape;
  const int64_t pixel = s->in_c * strip->element.bytes, end = s->in_w * pixel;
  for (int32_t n = first; n < last; n++, to += strip->patch_bytes) {
    const int64_t start = ((int64_t)n * s->stride_w - s->pad_left) * pixel;
    for (int64_t i = 0; i < strip->line_bytes; i++) {
      const int64_t at = start + i;
      to[i] = at >= 0 && at < end ? line[at] : (char)strip->element.value;
    }
  }
}

/* The same for longer ones: filled, copied, filled. */
static void edge(const er_strip *strip, const char *line, int32_t first, int32_t last, char *to) {
  const er_conv_shape *s = strip->shape;
  const int64_t pixel = s->in_c * strip->element.bytes;
  if (strip->line_bytes <= SHORT_LINE) {
    short_edge(strip, line, first, last, to);
    return;
  }
  for (int32_t n = first; n < last; n++, to += strip->patch_bytes) {
    const int64_t start = (int64_t)n * s->stride_w - s->pad_left;
    const int32_t before = between(0, -start, s->filter_w);
    const int32_t end = between(before, s->in_w - start, s->filter_w);
    memset(to, strip->element.value, (size_t)(before * pixel));
    copies(to + before * pixel, 0, line + (start + before) * pixel, 0, (end - before) * pixel, 1);
    memset(to + end * pixel, strip->element.value, (size_t)((s->filter_w - end) * pixel));
  }
}

/* Those inside of the image in one go. */
static void fast(const er_strip *strip, const char *line, int32_t first, int32_t last, char *to) {
  const er_conv_shape *s = strip->shape;
  const int64_t pixel = s->in_c * strip->element.bytes;
  const int64_t room = (int64_t)s->in_w + s->pad_left - s->filter_w; /* the last start inside */
  const int32_t inside =
      between(first, ((int64_t)s->pad_left + s->stride_w - 1) / s->stride_w, last);
  const int32_t beyond = between(inside, room < 0 ? 0 : room / s->stride_w + 1, last);
  edge(strip, line, first, inside, to);
  copies(to + (inside - first) * strip->patch_bytes, strip->patch_bytes,
         line + ((int64_t)inside * s->stride_w - s->pad_left) * pixel, s->stride_w * pixel,
         strip->line_bytes, beyond - inside);
  edge(strip, line, beyond, last, to + (beyond - first) * strip->patch_bytes);
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
    (s->dilation_w == 1 && s->groups == 1 ? fast : slow)(strip, line, first, last, to);
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
