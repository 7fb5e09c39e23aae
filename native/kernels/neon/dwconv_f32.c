/* float32 depthwise convolution: 8 channels of 4 neighbouring pixels at once, tap by tap. */
#include "kernels/generic/generic.h"
#include "kernels/neon/intrinsics.h"
#include "kernels/neon/layer.h"
#include "kernels/neon/unroll.h"

enum { CHANNELS = 8 };

#ifdef __aarch64__
#define MULTIPLY_ADD vfmaq_f32
#else
#define MULTIPLY_ADD vmlaq_f32
#endif

ER_INLINE void pixels(const int count, const er_dwconv_f32_call *c, int32_t channel, int32_t x) {
  const er_conv_shape *s = c->shape;
  const int64_t next = (int64_t)s->stride_w * s->out_c;
  const float *w = c->weights + channel;
  float32x4_t acc[4][2];
  ER_UNROLL for (int p = 0; p < count; p++) {
    acc[p][0] = c->bias ? vld1q_f32(c->bias + channel) : vdupq_n_f32(0.0f);
    acc[p][1] = c->bias ? vld1q_f32(c->bias + channel + 4) : vdupq_n_f32(0.0f);
  }
  for (int32_t i = 0; i < s->filter_h; i++) {
    const float *from = c->lines[i] + x * next + channel;
    for (int32_t j = 0; j < s->filter_w; j++, w += s->out_c) {
      const float32x4_t w0 = vld1q_f32(w), w1 = vld1q_f32(w + 4);
      ER_UNROLL for (int p = 0; p < count; p++) {
        acc[p][0] = MULTIPLY_ADD(acc[p][0], vld1q_f32(from + p * next), w0);
        acc[p][1] = MULTIPLY_ADD(acc[p][1], vld1q_f32(from + p * next + 4), w1);
      }
      from += (int64_t)s->dilation_w * s->out_c;
    }
  }
  const float32x4_t low = vdupq_n_f32(c->low), high = vdupq_n_f32(c->high);
  float *to = c->output + (int64_t)x * s->out_c + channel;
  ER_UNROLL for (int p = 0; p < count; p++, to += s->out_c) {
    vst1q_f32(to, vminq_f32(vmaxq_f32(acc[p][0], low), high));
    vst1q_f32(to + 4, vminq_f32(vmaxq_f32(acc[p][1], low), high));
  }
}

void er_dwconv_f32_neon(const er_dwconv_f32_call *c) {
  const int32_t channels = c->shape->out_c;
  if (channels < CHANNELS) {
    er_dwconv_f32_generic(c);
    return;
  }
  for (int32_t block = 0; block < channels; block += CHANNELS) { /* the last one may overlap */
    const int32_t at = block + CHANNELS <= channels ? block : channels - CHANNELS;
    int32_t x = 0;
    for (; x + 4 <= c->shape->out_w; x += 4) pixels(4, c, at, x);
    for (; x < c->shape->out_w; x++) pixels(1, c, at, x);
  }
}
