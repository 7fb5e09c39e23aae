/* Dynamic quantization with AVX2 and FMA. The order of operands of vminps and vmaxps is that of the
 * generic comparisons, so NaN ends up alike. */
#include "kernels/dynamic.h"

#include <math.h>

#include "avx2.h"
#include "kernels/rounding.h"

static float least_of(__m256 v) {
  __m128 half = _mm_min_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  half = _mm_min_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_min_ss(half, _mm_shuffle_ps(half, half, 1)));
}

static void find_range(int64_t count, const float *input, float *low, float *high) {
  __m256 lows = _mm256_setzero_ps(), highs = lows;
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    const __m256 x = _mm256_loadu_ps(input + i);
    lows = _mm256_min_ps(x, lows);
    highs = _mm256_max_ps(x, highs);
  }
  *low = least_of(lows);
  *high = -least_of(_mm256_sub_ps(_mm256_setzero_ps(), highs));
  for (; i < count; i++) {
    *low = input[i] < *low ? input[i] : *low;
    *high = input[i] > *high ? input[i] : *high;
  }
}

/* The grid of a row. */
typedef struct grid {
  __m256 inverse, least, most;
  __m256i zero_point;
} grid;

static ER_ALWAYS_INLINE __m256i settle(const float *input, const grid *g) {
  const __m256 value = _mm256_mul_ps(_mm256_loadu_ps(input), g->inverse);
  const __m256 bounded = _mm256_min_ps(_mm256_max_ps(value, g->least), g->most);
  return _mm256_add_epi32(_mm256_cvtps_epi32(bounded), g->zero_point);
}

er_row_quant er_quantize_row_avx2(int64_t count, const float *input, int8_t *output) {
  float low, high;
  find_range(count, input, &low, &high);
  const float inverse = er_inverse_scale(low, high);
  const int32_t zero_point = er_row_zero_point(low * inverse, high * inverse);
  const grid g = {_mm256_set1_ps(inverse), _mm256_set1_ps((float)(-128 - zero_point)),
                  _mm256_set1_ps((float)(127 - zero_point)), _mm256_set1_epi32(zero_point)};
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  int64_t i = 0;
  for (; i + 32 <= count; i += 32) {
    const __m256i a = _mm256_packs_epi32(settle(input + i, &g), settle(input + i + 8, &g));
    const __m256i b = _mm256_packs_epi32(settle(input + i + 16, &g), settle(input + i + 24, &g));
    const __m256i bytes = _mm256_permutevar8x32_epi32(_mm256_packs_epi16(a, b), order);
    _mm256_storeu_si256((__m256i *)(void *)(output + i), bytes);
  }
  for (; i < count; i++) output[i] = (int8_t)er_settle(input[i] * inverse, zero_point, -128, 127);
  return (er_row_quant){1.0f / inverse, zero_point};
}

/* What all units of a row share. */
typedef struct row_scale {
  __m256i zero;
  __m256 scale, low, high;
} row_scale;

static ER_ALWAYS_INLINE __m256 scaled(const row_scale *k, __m256i sums, __m256i weight_sums,
                                      __m256 weight_scale, __m256 bias) {
  const __m256i sum = _mm256_sub_epi32(sums, _mm256_mullo_epi32(k->zero, weight_sums));
  const __m256 value =
      _mm256_fmadd_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(sum), k->scale), weight_scale, bias);
  return _mm256_min_ps(k->high, _mm256_max_ps(k->low, value));
}

static void scale_row(const er_scale_sums_call *c, int32_t r) {
  const int32_t *sums = c->sums + r * c->sums_stride;
  float *output = c->output + r * c->output_stride;
  const row_scale k = {_mm256_set1_epi32(c->quant[r].zero_point), _mm256_set1_ps(c->quant[r].scale),
                       _mm256_set1_ps(c->low), _mm256_set1_ps(c->high)};
  int32_t u = 0;
  for (; u + 8 <= c->units; u += 8) {
    const __m256i own = _mm256_loadu_si256((const __m256i *)(const void *)(sums + u));
    const __m256i all = _mm256_loadu_si256((const __m256i *)(const void *)(c->weight_sums + u));
    const __m256 bias = c->bias ? _mm256_loadu_ps(c->bias + u) : _mm256_setzero_ps();
    _mm256_storeu_ps(output + u, scaled(&k, own, all, _mm256_loadu_ps(c->weight_scale + u), bias));
  }
  if (u == c->units) return;
  const __m256i mask = er_avx2_first(c->units - u);
  const __m256 bias = c->bias ? _mm256_maskload_ps(c->bias + u, mask) : _mm256_setzero_ps();
  const __m256 value = scaled(&k, _mm256_maskload_epi32(sums + u, mask),
                              _mm256_maskload_epi32(c->weight_sums + u, mask),
                              _mm256_maskload_ps(c->weight_scale + u, mask), bias);
  _mm256_maskstore_ps(output + u, mask, value);
}

void er_scale_sums_avx2(const er_scale_sums_call *c) {
  for (int32_t r = 0; r < c->rows; r++) scale_row(c, r);
}
