/* Dynamic quantization with AVX-512. The order of operands of vminps and vmaxps is that of the
 * generic comparisons, so NaN ends up alike. */
#include "kernels/dynamic.h"

#include "avx512vnni.h"

enum { LANES = 16 };

/* @return a mask of the first `count` lanes; more than 16 are 16 */
static inline __mmask16 first(int64_t count) {
  return count < LANES ? (__mmask16)((1u << count) - 1) : 0xFFFF;
}

/* The grid of a row. */
typedef struct grid {
  __m512 inverse, least, most;
  __m512i zero_point;
} grid;

static inline __m128i settle(__m512 input, const grid *g) {
  const __m512 value = _mm512_mul_ps(input, g->inverse);
  const __m512 bounded = _mm512_min_ps(_mm512_max_ps(value, g->least), g->most);
  return _mm512_cvtepi32_epi8(_mm512_add_epi32(_mm512_cvtps_epi32(bounded), g->zero_point));
}

er_row_quant er_quantize_row_avx512(int64_t count, const float *input, int8_t *output) {
  __m512 lows = _mm512_setzero_ps(), highs = lows;
  for (int64_t i = 0; i < count; i += LANES) {
    const __m512 x = _mm512_maskz_loadu_ps(first(count - i), input + i);
    lows = _mm512_min_ps(x, lows);
    highs = _mm512_max_ps(x, highs);
  }
  const float low = _mm512_reduce_min_ps(lows), high = _mm512_reduce_max_ps(highs);
  const float inverse = er_inverse_scale(low, high);
  const int32_t zero_point = er_row_zero_point(low * inverse, high * inverse);
  const grid g = {_mm512_set1_ps(inverse), _mm512_set1_ps((float)(-128 - zero_point)),
                  _mm512_set1_ps((float)(127 - zero_point)), _mm512_set1_epi32(zero_point)};
  for (int64_t i = 0; i < count; i += LANES) {
    const __mmask16 mask = first(count - i);
    _mm_mask_storeu_epi8(output + i, mask, settle(_mm512_maskz_loadu_ps(mask, input + i), &g));
  }
  return (er_row_quant){1.0f / inverse, zero_point};
}

static void scale_row(const er_scale_sums_call *c, int32_t r) {
  const int32_t *sums = c->sums + r * c->sums_stride;
  float *output = c->output + r * c->output_stride;
  const __m512i zero = _mm512_set1_epi32(c->quant[r].zero_point);
  const __m512 scale = _mm512_set1_ps(c->quant[r].scale);
  const __m512 low = _mm512_set1_ps(c->low), high = _mm512_set1_ps(c->high);
  for (int32_t u = 0; u < c->units; u += LANES) {
    const __mmask16 mask = first(c->units - u);
    const __m512i weights = _mm512_maskz_loadu_epi32(mask, c->weight_sums + u);
    const __m512i sum = _mm512_sub_epi32(_mm512_maskz_loadu_epi32(mask, sums + u),
                                         _mm512_mullo_epi32(zero, weights));
    const __m512 bias = c->bias ? _mm512_maskz_loadu_ps(mask, c->bias + u) : _mm512_setzero_ps();
    const __m512 value = _mm512_fmadd_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(sum), scale),
                                         _mm512_maskz_loadu_ps(mask, c->weight_scale + u), bias);
    _mm512_mask_storeu_ps(output + u, mask, _mm512_min_ps(high, _mm512_max_ps(low, value)));
  }
}

void er_scale_sums_avx512(const er_scale_sums_call *c) {
  for (int32_t r = 0; r < c->rows; r++) scale_row(c, r);
}
