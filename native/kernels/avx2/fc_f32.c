/* FULLY_CONNECTED in float32 with weights as they lie in the file, with AVX2 and FMA: dot products
 * of four units with a row. */
#include "avx2.h"

enum { UNITS = 4, LANES = 8, AHEAD = 1024 };

/* @return the sum of the lanes of each */
static ER_ALWAYS_INLINE __m128 add_lanes(__m256 s0, __m256 s1, __m256 s2, __m256 s3) {
  const __m256 fours = _mm256_hadd_ps(_mm256_hadd_ps(s0, s1), _mm256_hadd_ps(s2, s3));
  return _mm_add_ps(_mm256_castps256_ps128(fours), _mm256_extractf128_ps(fours, 1));
}

#define EACH_UNIT(DO) DO(0) DO(1) DO(2) DO(3)
#define DECLARE(u) __m256 s##u = _mm256_setzero_ps();
#define MADD(u) \
  if (units > u) s##u = _mm256_fmadd_ps(x, _mm256_loadu_ps(weights + u * step + d), s##u);
#define MADD_REST(u) \
  if (units > u) s##u = _mm256_fmadd_ps(x, _mm256_maskload_ps(weights + u * step + d, mask), s##u);

/* @param units 1..4, a constant  @return their sums */
static ER_ALWAYS_INLINE __m128 multiply(int32_t depth, const float *input, const float *weights,
                                        const int units) {
  const int64_t step = depth;
  EACH_UNIT(DECLARE)
  int32_t d = 0;
  for (; d + LANES <= depth; d += LANES) {
    const __m256 x = _mm256_loadu_ps(input + d);
    _mm_prefetch((const char *)(weights + AHEAD + 4 * d), _MM_HINT_T0);
    _mm_prefetch((const char *)(weights + AHEAD + 16 + 4 * d), _MM_HINT_T0);
    EACH_UNIT(MADD)
  }
  if (d < depth) {
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i mask = _mm256_cmpgt_epi32(_mm256_set1_epi32(depth - d), lane);
    const __m256 x = _mm256_maskload_ps(input + d, mask);
    EACH_UNIT(MADD_REST)
  }
  return add_lanes(s0, s1, s2, s3);
}

/* What the sums of a call become. */
typedef struct ending {
  const float *bias; /* NULL: none */
  __m128 low, high;
} ending;

/* NaN stays NaN. */
static ER_ALWAYS_INLINE __m128 settle(const ending *e, __m128 sums, __m128 bias) {
  return _mm_min_ps(e->high, _mm_max_ps(e->low, _mm_add_ps(sums, bias)));
}

static void multiply_four(const er_fc_shape *s, const ending *e, const float *input,
                          const float *weights, int32_t unit, float *output) {
  const __m128 bias = e->bias ? _mm_loadu_ps(e->bias + unit) : _mm_setzero_ps();
  for (int32_t r = 0; r < s->rows; r++, input += s->depth, output += s->units) {
    _mm_storeu_ps(output, settle(e, multiply(s->depth, input, weights, UNITS), bias));
  }
}

static void multiply_one(const er_fc_shape *s, const ending *e, const float *input,
                         const float *weights, int32_t unit, float *output) {
  const __m128 bias = e->bias ? _mm_load_ss(e->bias + unit) : _mm_setzero_ps();
  for (int32_t r = 0; r < s->rows; r++, input += s->depth, output += s->units) {
    _mm_store_ss(output, settle(e, multiply(s->depth, input, weights, 1), bias));
  }
}

void er_fc_f32_avx2(const er_fc_shape *s, const float *input, const float *weights,
                    const float *bias, float low, float high, float *output, int32_t first,
                    int32_t last) {
  const ending e = {bias, _mm_set1_ps(low), _mm_set1_ps(high)};
  int32_t u = first;
  for (; u + UNITS <= last; u += UNITS) {
    multiply_four(s, &e, input, weights + (int64_t)u * s->depth, u, output + u);
  }
  for (; u < last; u++) {
    multiply_one(s, &e, input, weights + (int64_t)u * s->depth, u, output + u);
  }
}
