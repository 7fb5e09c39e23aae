/* Dynamic quantization with AVX-512. The order of operands of vminps and vmaxps is such that
 * NaN ends up as in the generic comparisons. */
#include "kernels/dynamic.h"

#include "avx512vnni.h"

enum { LANES = 16 };

/* @return a mask of the first `count` lanes; more than 16 are 16, and negative ones none */
static inline __mmask16 first(int64_t count) {
  if (count >= LANES) return 0xFFFF;
  return count > 0 ? (__mmask16)((1u << count) - 1) : 0;
}

/* Two vectors a step, for a minimum waits for the one before it. */
static void find_range(int64_t count, const float *input, float *low, float *high) {
  __m512 low0 = _mm512_setzero_ps(), high0 = low0, low1 = low0, high1 = low0;
  for (int64_t i = 0; i < count; i += 2 * LANES) {
    const __m512 x0 = _mm512_maskz_loadu_ps(first(count - i), input + i);
    const __m512 x1 = _mm512_maskz_loadu_ps(first(count - i - LANES), input + i + LANES);
    low0 = _mm512_min_ps(x0, low0);
    low1 = _mm512_min_ps(x1, low1);
    high0 = _mm512_max_ps(x0, high0);
    high1 = _mm512_max_ps(x1, high1);
  }
  *low = _mm512_reduce_min_ps(_mm512_min_ps(low0, low1));
  *high = _mm512_reduce_max_ps(_mm512_max_ps(high0, high1));
}

/* er_row_zero_point without branches, which would be guessed wrong for every other row. */
static int32_t zero_point_of(float low_steps, float high_steps) {
  const __m128 low = _mm_set_ss(low_steps), high = _mm_set_ss(high_steps);
  const __m128 least = _mm_set_ss(-128.0f), most = _mm_set_ss(127.0f);
  const __m128 errors = _mm_add_ss(_mm_add_ss(least, low), _mm_add_ss(most, high));
  const __m128 from_low = _mm_cmpgt_ss(errors, _mm_setzero_ps());
  const __m128 nearer = _mm_blendv_ps(_mm_sub_ss(most, high), _mm_sub_ss(least, low), from_low);
  return _mm_cvtss_si32(_mm_min_ss(_mm_max_ss(nearer, least), most));
}

/* The grid of a row. */
typedef struct grid {
  __m512 inverse, most;
  __m512i zero_point;
} grid;

/* NaN, and what is far below, becomes the least integer, which stays the least byte. */
static inline __m512i in_steps(__m512 input, const grid *g) {
  return _mm512_cvtps_epi32(_mm512_min_ps(g->most, _mm512_mul_ps(input, g->inverse)));
}

/* Two vectors as int16, by quarters: of the first, of the second, and so on. */
static inline __m512i pair(const float *input, const grid *g) {
  const __m512i a = in_steps(_mm512_loadu_ps(input), g);
  const __m512i b = in_steps(_mm512_loadu_ps(input + LANES), g);
  return _mm512_adds_epi16(_mm512_packs_epi32(a, b), g->zero_point);
}

static inline void settle_four(const float *input, const grid *g, int8_t *output) {
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  const __m512i bytes = _mm512_packs_epi16(pair(input, g), pair(input + 2 * LANES, g));
  _mm512_storeu_si512(output, _mm512_permutexvar_epi32(order, bytes));
}

static inline void settle_some(const float *input, int64_t count, const grid *g, int8_t *output) {
  const __m512i steps = in_steps(_mm512_maskz_loadu_ps(first(count), input), g);
  const __m512i sums = _mm512_adds_epi16(_mm512_packs_epi32(steps, steps), g->zero_point);
  const __m512i bytes = _mm512_packs_epi16(sums, sums);
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12);
  const __m512i whole = _mm512_permutexvar_epi32(order, bytes);
  _mm_mask_storeu_epi8(output, first(count), _mm512_castsi512_si128(whole));
}

er_row_quant er_quantize_row_avx512(int64_t count, const float *input, int8_t *output) {
  float low, high;
  find_range(count, input, &low, &high);
  const float inverse = er_inverse_scale(low, high);
  const int32_t zero_point = zero_point_of(low * inverse, high * inverse);
  const grid g = {_mm512_set1_ps(inverse), _mm512_set1_ps((float)(127 - zero_point)),
                  _mm512_set1_epi16((int16_t)zero_point)};
  int64_t i = 0;
  for (; i + 4 * LANES <= count; i += 4 * LANES) settle_four(input + i, &g, output + i);
  for (; i < count; i += LANES) settle_some(input + i, count - i, &g, output + i);
  return (er_row_quant){1.0f / inverse, zero_point};
}

/* What units of a tile have in common in all rows. */
typedef struct units {
  __mmask16 mask;
  __m512i sums;
  __m512 scale, bias;
} units;

static inline units units_at(const er_scale_sums_call *c, int32_t u) {
  const __mmask16 mask = first(c->units - u);
  return (units){mask, _mm512_maskz_loadu_epi32(mask, c->weight_sums + u),
                 _mm512_maskz_loadu_ps(mask, c->weight_scale + u),
                 c->bias ? _mm512_maskz_loadu_ps(mask, c->bias + u) : _mm512_setzero_ps()};
}

static inline void scale(const er_scale_sums_call *c, const units *w, int32_t r, int32_t u) {
  const __m512i zero = _mm512_set1_epi32(c->quant[r].zero_point);
  const __m512i sums = _mm512_maskz_loadu_epi32(w->mask, c->sums + r * c->sums_stride + u);
  const __m512i sum = _mm512_sub_epi32(sums, _mm512_mullo_epi32(zero, w->sums));
  const __m512 scaled = _mm512_mul_ps(_mm512_cvtepi32_ps(sum), _mm512_set1_ps(c->quant[r].scale));
  const __m512 value = _mm512_fmadd_ps(scaled, w->scale, w->bias);
  const __m512 above = _mm512_max_ps(_mm512_set1_ps(c->low), value);
  _mm512_mask_storeu_ps(c->output + r * c->output_stride + u, w->mask,
                        _mm512_min_ps(_mm512_set1_ps(c->high), above));
}

/* Two lines of a cache in each row before the next. */
void er_scale_sums_avx512(const er_scale_sums_call *c) {
  for (int32_t u = 0; u < c->units; u += 2 * LANES) {
    const units w0 = units_at(c, u), w1 = units_at(c, u + LANES);
    for (int32_t r = 0; r < c->rows; r++) {
      scale(c, &w0, r, u);
      scale(c, &w1, r, u + LANES);
    }
  }
}
