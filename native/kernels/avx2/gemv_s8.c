/* One int8 row times weights as they lie in the file, with AVX2: four units at a time. Nothing
 * behind the weights is read. */
#include "avx2.h"
#include "kernels/rounding.h"

enum { UNITS = 4, STEP = 16 };

static ER_ALWAYS_INLINE __m256i widen(const int8_t *from) {
  return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)from));
}

/* The last, incomplete step of a unit, zeros behind it. */
static __m256i widen_rest(const int8_t *from, int32_t count) {
  int8_t rest[STEP] = {0};
  memcpy(rest, from, (size_t)count);
  return widen(rest);
}

#define EACH_UNIT(DO) DO(0) DO(1) DO(2) DO(3)
#define DECLARE(u) __m256i s##u = _mm256_setzero_si256();
#define MADD(u) \
  if (units > u) s##u = _mm256_add_epi32(s##u, _mm256_madd_epi16(x, widen(values + u * depth + d)));
#define MADD_REST(u)                                                    \
  if (units > u) {                                                      \
    const __m256i w = widen_rest(values + u * depth + d, c->depth - d); \
    s##u = _mm256_add_epi32(s##u, _mm256_madd_epi16(x, w));             \
  }
#define SUM(u) \
  if (units > u) sums[u] = er_add_lanes(s##u);

/* @param values of the first unit  @param units 1..4, a constant  @param[out] sums [units] */
static ER_ALWAYS_INLINE void multiply(const er_gemv_s8_call *c, const int8_t *values,
                                      const int units, int32_t *sums) {
  const int64_t depth = c->depth;
  const char *next = (const char *)(values + units * depth);
  EACH_UNIT(DECLARE)
  int32_t d = 0;
  for (; d + STEP <= c->depth; d += STEP, next += units * STEP) {
    _mm_prefetch(next, _MM_HINT_T0); /* each weight is read once, from afar */
    const __m256i x = widen(c->input + d);
    EACH_UNIT(MADD)
  }
  if (d < c->depth) {
    const __m256i x = widen(c->input + d);
    EACH_UNIT(MADD_REST)
  }
  EACH_UNIT(SUM)
}

static void settle(const er_gemv_s8_call *c, int32_t unit, int32_t sum) {
  const int32_t acc = (int32_t)((uint32_t)sum + (uint32_t)c->bias[unit]);
  c->output[unit] = (int8_t)er_settle((float)acc * c->scale[unit], c->range.zero_point,
                                      c->range.low, c->range.high);
}

void er_gemv_s8_avx2(const er_gemv_s8_call *c) {
  const int8_t *values = c->values;
  int32_t sums[UNITS], u = 0;
  for (; u + UNITS <= c->units; u += UNITS) {
    multiply(c, values + (int64_t)u * c->depth, UNITS, sums);
    for (int32_t i = 0; i < UNITS; i++) settle(c, u + i, sums[i]);
  }
  for (; u < c->units; u++) {
    multiply(c, values + (int64_t)u * c->depth, 1, sums);
    settle(c, u, sums[0]);
  }
}
