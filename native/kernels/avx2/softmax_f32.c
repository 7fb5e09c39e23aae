/* SOFTMAX and LOG_SOFTMAX in float32 with vectors of eight. */
#include "avx2.h"

#define LANES 8

typedef __m256 vector, lanes;

static inline vector spread(float value) { return _mm256_set1_ps(value); }
static inline vector load(const float *from) { return _mm256_loadu_ps(from); }
static inline void store(float *to, vector v) { _mm256_storeu_ps(to, v); }
static inline vector add(vector a, vector b) { return _mm256_add_ps(a, b); }
static inline vector subtract(vector a, vector b) { return _mm256_sub_ps(a, b); }
static inline vector multiply(vector a, vector b) { return _mm256_mul_ps(a, b); }
static inline vector greater(vector a, vector b) { return _mm256_max_ps(a, b); }
static inline vector in_lanes(vector v, lanes which) { return _mm256_and_ps(v, which); }
static inline lanes lanes_not_below(vector v, float least) {
  return _mm256_cmp_ps(v, spread(least), _CMP_NLT_UQ);
}
static inline __m256 add_to_lanes(vector v, __m256 sums) { return _mm256_add_ps(sums, v); }

static inline vector load_some(const float *from, int32_t count) {
  const __m256i mask = er_avx2_first(count);
  return _mm256_blendv_ps(spread(-INFINITY), _mm256_maskload_ps(from, mask),
                          _mm256_castsi256_ps(mask));
}

static inline void store_some(vector v, int32_t count, float *to) {
  _mm256_maskstore_ps(to, er_avx2_first(count), v);
}

static inline float largest_lane(vector v) {
  __m128 half = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  half = _mm_max_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_max_ss(half, _mm_shuffle_ps(half, half, 1)));
}

static inline vector times_power(vector v, vector n) {
  const __m256i biased = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
  return multiply(v, _mm256_castsi256_ps(_mm256_slli_epi32(biased, 23)));
}

#include "softmax_f32.h"

void er_softmax_f32_avx2(bool logarithm, int64_t rows, int32_t depth, float beta,
                         const float *input, float *output) {
  if (logarithm) {
    softmax_rows(true, rows, depth, beta, input, output);
  } else {
    softmax_rows(false, rows, depth, beta, input, output);
  }
}
