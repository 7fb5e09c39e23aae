/* Padded lines for the depthwise kernels, elements as they are stored. */
#include "kernels/kernels.h"
#include "kernels/move.h"

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

void er_dwconv_inside(const er_conv_shape *s, int32_t bytes, const void *input, void *line) {
  char *to = (char *)line + (int64_t)s->pad_left * s->out_c * bytes;
  if (s->multiplier == 1) {
    er_copy(to, input, (int64_t)s->in_w * s->out_c * bytes);
  } else {
    spread(bytes, input, (int64_t)s->in_w * s->in_c, s->multiplier, to);
  }
}
