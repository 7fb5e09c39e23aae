/* SOFTMAX and LOG_SOFTMAX in float32 with vectors of sixteen. */
#include "avx512vnni.h"

#define LANES 16

typedef __m512 vector;
typedef __mmask16 lanes;

static inline vector spread(float value) { return _mm512_set1_ps(value); }
static inline vector load(const float *from) { return _mm512_loadu_ps(from); }
static inline void store(float *to, vector v) { _mm512_storeu_ps(to, v); }
static inline vector add(vector a, vector b) { return _mm512_add_ps(a, b); }
static inline vector subtract(vector a, vector b) { return _mm512_sub_ps(a, b); }
static inline vector multiply(vector a, vector b) { return _mm512_mul_ps(a, b); }
static inline vector greater(vector a, vector b) { return _mm512_max_ps(a, b); }
static inline float largest_lane(vector v) { return _mm512_reduce_max_ps(v); }
static inline vector times_power(vector v, vector n) { return _mm512_scalef_ps(v, n); }

static inline vector in_lanes(vector v, lanes which) { return _mm512_maskz_mov_ps(which, v); }
static inline lanes lanes_not_below(vector v, float least) {
  return _mm512_cmp_ps_mask(v, spread(least), _CMP_NLT_UQ);
}

static inline __m256 add_to_lanes(vector v, __m256 sums) {
  return _mm256_add_ps(_mm256_add_ps(sums, _mm512_castps512_ps256(v)),
                       _mm512_extractf32x8_ps(v, 1));
}

static inline lanes first(int32_t count) { return (lanes)((1u << count) - 1); }

static inline vector load_some(const float *from, int32_t count) {
  return _mm512_mask_loadu_ps(spread(-INFINITY), first(count), from);
}

static inline void store_some(vector v, int32_t count, float *to) {
  _mm512_mask_storeu_ps(to, first(count), v);
}

#include "kernels/avx2/softmax_f32.h"

void er_softmax_f32_avx512(bool logarithm, int64_t rows, int32_t depth, float beta,
                           const float *input, float *output) {
  if (logarithm) {
    softmax_rows(true, rows, depth, beta, input, output);
  } else {
    softmax_rows(false, rows, depth, beta, input, output);
  }
}
