/* int8 depthwise convolution: the oracle. The packed form is the corrected biases, the scales, then
 * the weights [taps, channels]. */
#include <string.h>

#include "kernels/generic/generic.h"
#include "kernels/rounding.h"

static size_t packed_bytes(const er_conv_shape *s) {
  const size_t taps = (size_t)s->filter_h * (size_t)s->filter_w;
  return (size_t)s->out_c * (sizeof(int32_t) + sizeof(float) + taps);
}

static void pack(const er_conv_shape *s, const er_weights_s8 *weights, void *packed) {
  const size_t channels = (size_t)s->out_c;
  int32_t *bias = packed;
  float *scale = (float *)(bias + channels);
  for (int32_t c = 0; c < s->out_c; c++) bias[c] = er_bias_less_zero_point(weights, c, c, s->out_c);
  memcpy(scale, weights->scale, channels * sizeof *scale);
  memcpy(scale + channels, weights->values, channels * (size_t)weights->depth);
}

static size_t scratch_bytes(const er_conv_shape *s) {
  (void)s;
  return 0;
}

static int32_t taps(const er_dwconv_s8_call *c, const int8_t *values, int32_t x, int32_t channel) {
  const er_conv_shape *s = c->shape;
  int32_t sum = 0;
  for (int32_t i = 0; i < s->filter_h; i++) {
    const int8_t *pixel = c->lines[i] + (int64_t)x * s->stride_w * s->out_c + channel;
    for (int32_t j = 0; j < s->filter_w; j++, values += s->out_c) {
      sum += pixel[(int64_t)j * s->dilation_w * s->out_c] * *values;
    }
  }
  return sum;
}

static void run(const er_dwconv_s8_call *c) {
  const int32_t channels = c->shape->out_c;
  const int32_t *bias = c->packed;
  const float *scale = (const float *)(bias + channels);
  const int8_t *values = (const int8_t *)(scale + channels);
  for (int32_t x = 0; x < c->shape->out_w; x++) {
    for (int32_t u = 0; u < channels; u++) {
      const int32_t acc = (int32_t)((uint32_t)taps(c, values + u, x, u) + (uint32_t)bias[u]);
      c->output[(int64_t)x * channels + u] = (int8_t)er_settle(
          (float)acc * scale[u], c->range.zero_point, c->range.low, c->range.high);
    }
  }
}

const er_dwconv_s8 er_dwconv_s8_generic = {.name = "dwconv_s8_generic",
                                           .packed_bytes = packed_bytes,
                                           .pack = pack,
                                           .scratch_bytes = scratch_bytes,
                                           .run = run};
