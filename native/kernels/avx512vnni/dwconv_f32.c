/* float32 depthwise convolution with AVX-512: 16 channels of up to eight neighbouring pixels, tap
 * by tap; each weight is loaded once for them all. */
#include "avx512vnni.h"
#include "kernels/avx2/avx2.h"

enum { LANES = 16, PIXELS = 8 };

/* NaN stays NaN: the second operand is the result when either is one. */
static ER_ALWAYS_INLINE __m512 bound(const er_dwconv_f32_call *c, __m512 value) {
  const __m512 raised = _mm512_max_ps(_mm512_set1_ps(c->low), value);
  return _mm512_min_ps(_mm512_set1_ps(c->high), raised);
}

#define EACH_PIXEL(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7)
#define DECLARE(p) __m512 s##p = start;
#define MADD(p) \
  if (count > p) s##p = _mm512_fmadd_ps(_mm512_loadu_ps(x + p * pixel), w, s##p);
#define STORE(p) \
  if (count > p) _mm512_storeu_ps(output + p * (int64_t)s->out_c, bound(c, s##p));

/* LANES channels of `count` pixels, a constant, so that all sums are registers.
 * @param at the first pixel's first channel in each line */
static ER_ALWAYS_INLINE void pixels(const er_dwconv_f32_call *c, int64_t at, int32_t channel,
                                    float *output, const int32_t count) {
  const er_conv_shape *s = c->shape;
  const int64_t column = (int64_t)s->dilation_w * s->out_c, pixel = (int64_t)s->stride_w * s->out_c;
  const float *weights = c->weights + channel, zero[LANES] = {0};
  const __m512 start = _mm512_loadu_ps(c->bias ? c->bias + channel : zero);
  EACH_PIXEL(DECLARE)
  for (int32_t i = 0; i < s->filter_h; i++) {
    const float *x = c->lines[i] + at;
    for (int32_t j = 0; j < s->filter_w; j++, x += column, weights += s->out_c) {
      const __m512 w = _mm512_loadu_ps(weights);
      EACH_PIXEL(MADD)
    }
  }
  EACH_PIXEL(STORE)
}

#define KERNEL(p)                                                                  \
  static void pixels_##p(const er_dwconv_f32_call *c, int64_t at, int32_t channel, \
                         float *output) {                                          \
    pixels(c, at, channel, output, (p) + 1);                                       \
  }
EACH_PIXEL(KERNEL)

#define NAME(p) pixels_##p,
static void (*const kernels[PIXELS])(const er_dwconv_f32_call *c, int64_t at, int32_t channel,
                                     float *output) = {EACH_PIXEL(NAME)};

/* At least LANES channels. Pixels go in parts of nearly equal size, for small ones are slow. */
static void line(const er_dwconv_f32_call *c) {
  const er_conv_shape *s = c->shape;
  const int64_t parts = ((int64_t)s->out_w + PIXELS - 1) / PIXELS;
  for (int64_t i = 0; i < parts; i++) {
    const int64_t x = s->out_w * i / parts, count = s->out_w * (i + 1) / parts - x;
    for (int32_t first = 0; first < s->out_c; first += LANES) { /* the last ones overlap */
      const int32_t channel = first + LANES <= s->out_c ? first : s->out_c - LANES;
      kernels[count - 1](c, x * s->stride_w * s->out_c + channel, channel,
                         c->output + x * s->out_c + channel);
    }
  }
}

void er_dwconv_f32_avx512(const er_dwconv_f32_call *c) {
  (c->shape->out_c < LANES ? er_dwconv_f32_avx2 : line)(c);
}
