/* Padded lines for the depthwise kernels, elements as they are stored. */
#include "kernels/kernels.h"
#include "kernels/move.h"

static void fill(int32_t bytes, const void *zero, int64_t count, char *to) {
  if (bytes == 1) {
    memset(to, *(const int8_t *)zero, (size_t)count);
  } else {
    memset(to, 0, (size_t)count * (size_t)bytes); /* real 0.0 */
  }
}

/* Repeat each channel `multiplier` times. */
static void spread(int32_t bytes, const char *from, int64_t count, int32_t multiplier, char *to) {
  if (bytes == 1 && multiplier >= 8) {
    for (int64_t i = 0; i < count; i++) memset(to + i * multiplier, from[i], (size_t)multiplier);
    return;
  }
  if (bytes == (int32_t)sizeof(float)) {
    const float *values = (const float *)(const void *)from;
    float *output = (float *)(void *)to;
    for (int64_t i = 0; i < count; i++, output += multiplier) {
      for (int32_t m = 0; m < multiplier; m++) output[m] = values[i];
    }
    return;
  }
  for (int64_t i = 0; i < count; i++, from += bytes) {
    for (int32_t m = 0; m < multiplier; m++, to += bytes) memcpy(to, from, (size_t)bytes);
  }
}

/* @param count of input pixels */
static void put(const er_conv_shape *s, int32_t bytes, const void *input, int64_t count, char *to) {
  if (s->multiplier == 1) {
    er_copy(to, input, count * s->out_c * bytes);
  } else {
    spread(bytes, input, count * s->in_c, s->multiplier, to);
  }
}

void er_dwconv_line(const er_conv_shape *shape, int32_t bytes, const void *input, const void *zero,
                    void *line) {
  const er_conv_shape *s = shape;
  const int32_t line_w = (s->out_w - 1) * s->stride_w + (s->filter_w - 1) * s->dilation_w + 1;
  const int32_t from = s->pad_left < line_w ? s->pad_left : line_w;
  const int32_t end = s->pad_left + s->in_w;
  const int32_t to = end < line_w ? end : line_w;
  const int64_t pixel = (int64_t)s->out_c * bytes;
  char *start = line;
  fill(bytes, zero, (int64_t)from * s->out_c, start);
  fill(bytes, zero, (int64_t)(line_w - to) * s->out_c, start + to * pixel);
  put(s, bytes, input, to - from, start + from * pixel);
}

void er_dwconv_inside(const er_conv_shape *s, int32_t bytes, const void *input, void *line) {
  put(s, bytes, input, s->in_w, (char *)line + (int64_t)s->pad_left * s->out_c * bytes);
}
