/* float32 depthwise convolution with AVX2 and FMA: 16 channels of up to four neighbouring pixels,
 * or 8 of up to eight, tap by tap; each weight is loaded once for them all. */
#include "avx2.h"

enum { LANES = 8, PIXELS = 8 };

static ER_ALWAYS_INLINE __m256 bound(const er_dwconv_f32_call *c, __m256 value) {
  return _mm256_min_ps(_mm256_set1_ps(c->high), _mm256_max_ps(_mm256_set1_ps(c->low), value));
}

#define EACH_PIXEL(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7)
#define DECLARE(p) __m256 a##p = bias0, b##p = bias1;
#define MADD(p)                                                                        \
  if (count > p) {                                                                     \
    a##p = _mm256_fmadd_ps(_mm256_loadu_ps(x + p * pixel), w0, a##p);                  \
    if (two) b##p = _mm256_fmadd_ps(_mm256_loadu_ps(x + p * pixel + LANES), w1, b##p); \
  }
#define STORE(p)                                                                       \
  if (count > p) {                                                                     \
    _mm256_storeu_ps(output + p * (int64_t)s->out_c, bound(c, a##p));                  \
    if (two) _mm256_storeu_ps(output + p * (int64_t)s->out_c + LANES, bound(c, b##p)); \
  }

/* LANES channels of `count` pixels, or twice as many; both are constants, so that all sums are
 * registers.
 * @param at the first pixel's first channel in each line */
static ER_ALWAYS_INLINE void pixels(const er_dwconv_f32_call *c, int64_t at, int32_t channel,
                                    float *output, const int32_t count, const bool two) {
  const er_conv_shape *s = c->shape;
  const int64_t column = (int64_t)s->dilation_w * s->out_c, pixel = (int64_t)s->stride_w * s->out_c;
  const float *weights = c->weights + channel;
  const __m256 zero = _mm256_setzero_ps();
  const __m256 bias0 = c->bias ? _mm256_loadu_ps(c->bias + channel) : zero;
  const __m256 bias1 = c->bias && two ? _mm256_loadu_ps(c->bias + channel + LANES) : zero;
  EACH_PIXEL(DECLARE)
  for (int32_t i = 0; i < s->filter_h; i++) {
    const float *x = c->lines[i] + at;
    for (int32_t j = 0; j < s->filter_w; j++, x += column, weights += s->out_c) {
      const __m256 w0 = _mm256_loadu_ps(weights);
      const __m256 w1 = two ? _mm256_loadu_ps(weights + LANES) : zero;
      EACH_PIXEL(MADD)
    }
  }
  EACH_PIXEL(STORE)
}

typedef void kernel(const er_dwconv_f32_call *c, int64_t at, int32_t channel, float *output);

#define NARROW(p)                                                                  \
  static void narrow_##p(const er_dwconv_f32_call *c, int64_t at, int32_t channel, \
                         float *output) {                                          \
    pixels(c, at, channel, output, (p) + 1, false);                                \
  }
#define WIDE(p)                                                                                   \
  static void wide_##p(const er_dwconv_f32_call *c, int64_t at, int32_t channel, float *output) { \
    pixels(c, at, channel, output, (p) + 1, true);                                                \
  }
EACH_PIXEL(NARROW)
WIDE(0)
WIDE(1)
WIDE(2) WIDE(3)

#define NAME(p) narrow_##p,
    static kernel *const narrow[PIXELS] = {EACH_PIXEL(NAME)};
static kernel *const wide[PIXELS / 2] = {wide_0, wide_1, wide_2, wide_3};

/* As many channels of a line as the kernels take, pixels in parts of nearly equal size, for small
 * ones are slow. */
static void line(const er_dwconv_f32_call *c, int32_t channel, kernel *const *kernels,
                 int32_t most) {
  const er_conv_shape *s = c->shape;
  const int64_t parts = ((int64_t)s->out_w + most - 1) / most;
  for (int64_t i = 0; i < parts; i++) {
    const int64_t x = s->out_w * i / parts, count = s->out_w * (i + 1) / parts - x;
    kernels[count - 1](c, x * s->stride_w * s->out_c + channel, channel,
                       c->output + x * s->out_c + channel);
  }
}

/* Fewer than LANES channels, under a mask. */
static void few_channels(const er_dwconv_f32_call *c) {
  const er_conv_shape *s = c->shape;
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const __m256i mask = _mm256_cmpgt_epi32(_mm256_set1_epi32(s->out_c), lane);
  for (int32_t x = 0; x < s->out_w; x++) {
    const float *w = c->weights;
    __m256 sum = c->bias ? _mm256_maskload_ps(c->bias, mask) : _mm256_setzero_ps();
    for (int32_t i = 0; i < s->filter_h; i++) {
      const float *at = c->lines[i] + (int64_t)x * s->stride_w * s->out_c;
      for (int32_t j = 0; j < s->filter_w; j++, w += s->out_c) {
        sum = _mm256_fmadd_ps(_mm256_maskload_ps(at, mask), _mm256_maskload_ps(w, mask), sum);
        at += (int64_t)s->dilation_w * s->out_c;
      }
    }
    _mm256_maskstore_ps(c->output + (int64_t)x * s->out_c, mask, bound(c, sum));
  }
}

void er_dwconv_f32_avx2(const er_dwconv_f32_call *c) {
  const int32_t channels = c->shape->out_c;
  if (channels < LANES) {
    few_channels(c);
    return;
  }
  for (int32_t channel = 0, width; channel < channels;
       channel += width) { /* the last ones overlap */
    const bool two = channels >= 2 * LANES && channels - channel > LANES;
    width = two ? 2 * LANES : LANES;
    const int32_t last = channels - width;
    line(c, channel < last ? channel : last, two ? wide : narrow, two ? PIXELS / 2 : PIXELS);
  }
}
