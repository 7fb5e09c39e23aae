/* float32 depthwise convolution with AVX2 and FMA: 16 channels of four neighbouring pixels, tap by
 * tap; each weight is loaded once for the four. */
#include "avx2.h"

enum { LANES = 8, CHANNELS = 2 * LANES, PIXELS = 4 };

static ER_ALWAYS_INLINE __m256 bound(const er_dwconv_f32_call *c, __m256 value) {
  return _mm256_min_ps(_mm256_set1_ps(c->high), _mm256_max_ps(_mm256_set1_ps(c->low), value));
}

#define EACH_PIXEL(DO) DO(0) DO(1) DO(2) DO(3)
#define DECLARE(p) __m256 a##p = bias0, b##p = bias1;
#define MADD(p)                                                               \
  if (count > p) {                                                            \
    a##p = _mm256_fmadd_ps(_mm256_loadu_ps(x + p * pixel), w0, a##p);         \
    b##p = _mm256_fmadd_ps(_mm256_loadu_ps(x + p * pixel + LANES), w1, b##p); \
  }
#define STORE(p)                                                     \
  if (count > p) {                                                   \
    _mm256_storeu_ps(output + p * s->out_c, bound(c, a##p));         \
    _mm256_storeu_ps(output + p * s->out_c + LANES, bound(c, b##p)); \
  }

/* `count` pixels from input element `at` of each line; count, height and width are constants in the
 * fast loops. */
static ER_ALWAYS_INLINE void pixels(const er_dwconv_f32_call *c, int64_t at, int32_t channel,
                                    const int32_t height, const int32_t width, const int32_t count,
                                    float *output) {
  const er_conv_shape *s = c->shape;
  const int64_t column = (int64_t)s->dilation_w * s->out_c, pixel = (int64_t)s->stride_w * s->out_c;
  const float *weights = c->weights + channel;
  const __m256 zero = _mm256_setzero_ps();
  const __m256 bias0 = c->bias ? _mm256_loadu_ps(c->bias + channel) : zero;
  const __m256 bias1 = c->bias ? _mm256_loadu_ps(c->bias + channel + LANES) : zero;
  EACH_PIXEL(DECLARE)
  for (int32_t i = 0; i < height; i++) {
    const float *x = c->lines[i] + at;
    for (int32_t j = 0; j < width; j++, x += column, weights += s->out_c) {
      const __m256 w0 = _mm256_loadu_ps(weights), w1 = _mm256_loadu_ps(weights + LANES);
      EACH_PIXEL(MADD)
    }
  }
  EACH_PIXEL(STORE)
}

static ER_ALWAYS_INLINE void line(const er_dwconv_f32_call *c, int32_t channel,
                                  const int32_t height, const int32_t width) {
  const er_conv_shape *s = c->shape;
  const int64_t pixel = (int64_t)s->stride_w * s->out_c;
  float *output = c->output + channel;
  int64_t at = channel;
  int32_t x = 0;
  for (; x + PIXELS <= s->out_w; x += PIXELS, at += PIXELS * pixel) {
    pixels(c, at, channel, height, width, PIXELS, output + (int64_t)x * s->out_c);
  }
  for (; x < s->out_w; x++, at += pixel) {
    pixels(c, at, channel, height, width, 1, output + (int64_t)x * s->out_c);
  }
}

static void line_3x3(const er_dwconv_f32_call *c, int32_t channel) { line(c, channel, 3, 3); }
static void line_5x5(const er_dwconv_f32_call *c, int32_t channel) { line(c, channel, 5, 5); }
static void line_any(const er_dwconv_f32_call *c, int32_t channel) {
  line(c, channel, c->shape->filter_h, c->shape->filter_w);
}

/* The channels that are left, up to 8 at a time, under a mask. */
static void few_channels(const er_dwconv_f32_call *c, int32_t channel) {
  const er_conv_shape *s = c->shape;
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const __m256i mask = _mm256_cmpgt_epi32(_mm256_set1_epi32(s->out_c - channel), lane);
  for (int32_t x = 0; x < s->out_w; x++) {
    const float *w = c->weights + channel;
    __m256 sum = c->bias ? _mm256_maskload_ps(c->bias + channel, mask) : _mm256_setzero_ps();
    for (int32_t i = 0; i < s->filter_h; i++) {
      const float *at = c->lines[i] + (int64_t)x * s->stride_w * s->out_c + channel;
      for (int32_t j = 0; j < s->filter_w; j++, w += s->out_c) {
        sum = _mm256_fmadd_ps(_mm256_maskload_ps(at, mask), _mm256_maskload_ps(w, mask), sum);
        at += (int64_t)s->dilation_w * s->out_c;
      }
    }
    _mm256_maskstore_ps(c->output + (int64_t)x * s->out_c + channel, mask, bound(c, sum));
  }
}

void er_dwconv_f32_avx2(const er_dwconv_f32_call *c) {
  const er_conv_shape *s = c->shape;
  const bool is_3x3 = s->filter_h == 3 && s->filter_w == 3;
  const bool is_5x5 = s->filter_h == 5 && s->filter_w == 5;
  int32_t channel = 0;
  for (; channel + CHANNELS <= s->out_c; channel += CHANNELS) {
    (is_3x3 ? line_3x3 : is_5x5 ? line_5x5 : line_any)(c, channel);
  }
  for (; channel < s->out_c; channel += LANES) few_channels(c, channel);
}
