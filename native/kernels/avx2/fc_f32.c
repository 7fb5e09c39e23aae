/* FULLY_CONNECTED in float32 with weights as they lie in the file, with AVX2 and FMA: dot products
 * of four units with a row. */
#include "avx2.h"

enum { UNITS = 4, LANES = 8 };

static float add_lanes(__m256 sums) {
  const __m128 half = _mm_add_ps(_mm256_castps256_ps128(sums), _mm256_extractf128_ps(sums, 1));
  const __m128 pair = _mm_add_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_add_ss(pair, _mm_shuffle_ps(pair, pair, 1)));
}

#define EACH_UNIT(DO) DO(0) DO(1) DO(2) DO(3)
#define DECLARE(u) __m256 s##u = _mm256_setzero_ps();
#define MADD(u) \
  if (units > u) s##u = _mm256_fmadd_ps(x, _mm256_loadu_ps(weights + u * step + d), s##u);
#define MADD_REST(u) \
  if (units > u) s##u = _mm256_fmadd_ps(x, _mm256_maskload_ps(weights + u * step + d, mask), s##u);
#define SUM(u) \
  if (units > u) sums[u] = add_lanes(s##u);

/* @param units 1..4, a constant  @param[out] sums [units] */
static ER_ALWAYS_INLINE void multiply(int32_t depth, const float *input, const float *weights,
                                      const int units, float *sums) {
  const int64_t step = depth;
  EACH_UNIT(DECLARE)
  int32_t d = 0;
  for (; d + LANES <= depth; d += LANES) {
    const __m256 x = _mm256_loadu_ps(input + d);
    EACH_UNIT(MADD)
  }
  if (d < depth) {
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i mask = _mm256_cmpgt_epi32(_mm256_set1_epi32(depth - d), lane);
    const __m256 x = _mm256_maskload_ps(input + d, mask);
    EACH_UNIT(MADD_REST)
  }
  EACH_UNIT(SUM)
}

void er_fc_f32_avx2(const er_fc_shape *s, const float *input, const float *weights,
                    const float *bias, float low, float high, float *output, int32_t first,
                    int32_t last) {
  for (int32_t u = first; u < last;) {
    const int32_t units = last - u >= UNITS ? UNITS : 1;
    const float *rows = weights + (int64_t)u * s->depth;
    for (int32_t r = 0; r < s->rows; r++) {
      float sums[UNITS];
      const float *row = input + (int64_t)r * s->depth;
      if (units == UNITS) {
        multiply(s->depth, row, rows, UNITS, sums);
      } else {
        multiply(s->depth, row, rows, 1, sums);
      }
      for (int32_t i = 0; i < units; i++) {
        const float sum = sums[i] + (bias ? bias[u + i] : 0.0f);
        const float bounded = sum < low ? low : sum;
        output[(int64_t)r * s->units + u + i] = bounded > high ? high : bounded;
      }
    }
    u += units;
  }
}
