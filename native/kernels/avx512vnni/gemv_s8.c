/* One int8 row times weights as they lie in the file, with AVX-512 VNNI: four units at a time.
 * VPDPBUSD takes weights + 128, unsigned; 128 times the sum of the row goes off the sums. Nothing
 * behind row or weights is read. */
#include "avx512vnni.h"

enum { UNITS = 4, STEP = 64, SETTLED = 16 };

static ER_ALWAYS_INLINE __m512i load(const int8_t *from, int32_t count) {
  const __mmask64 some = count >= STEP ? ~(__mmask64)0 : ((__mmask64)1 << count) - 1;
  return _mm512_maskz_loadu_epi8(some, from);
}

#define EACH_UNIT(DO) DO(0) DO(1) DO(2) DO(3)
#define DECLARE(u) __m512i s##u = _mm512_setzero_si512();
#define MULTIPLY(u)                                                                   \
  if (units > u) {                                                                    \
    const __m512i w =                                                                 \
        _mm512_xor_si512(load(values + u * depth + d, left), _mm512_set1_epi8(-128)); \
    s##u = _mm512_dpbusd_epi32(s##u, w, x);                                           \
  }
#define SUM(u) \
  if (units > u) sums[u] = _mm512_reduce_add_epi32(s##u);

/* @param values of the first unit  @param units 1..4, a constant
 * @param[out] sums [units] of (weight + 128) * row */
static ER_ALWAYS_INLINE void multiply(const er_gemv_s8_call *c, const int8_t *values,
                                      const int units, int32_t *sums) {
  const int64_t depth = c->depth;
  EACH_UNIT(DECLARE)
  for (int32_t d = 0; d < c->depth; d += STEP) {
    const int32_t left = c->depth - d;
    const __m512i x = load(c->input + d, left);
    EACH_UNIT(MULTIPLY)
  }
  EACH_UNIT(SUM)
}

static int32_t sum_of_row(const er_gemv_s8_call *c) {
  __m512i sums = _mm512_setzero_si512();
  for (int32_t d = 0; d < c->depth; d += STEP) {
    sums = _mm512_dpbusd_epi32(sums, _mm512_set1_epi8(1), load(c->input + d, c->depth - d));
  }
  return _mm512_reduce_add_epi32(sums);
}

/* @param sums [SETTLED]  @param excess of each sum */
static void settle(const er_gemv_s8_call *c, int32_t unit, int32_t count, const int32_t *sums,
                   uint32_t excess) {
  const __mmask16 some = (__mmask16)((1u << count) - 1);
  float scale[SETTLED];
  _mm512_storeu_ps(scale, _mm512_maskz_loadu_ps(some, c->scale + unit));
  const __m512i bias = _mm512_maskz_loadu_epi32(some, c->bias + unit);
  const __m512i start = _mm512_sub_epi32(bias, _mm512_set1_epi32((int32_t)excess));
  er_avx512_store_one(_mm512_add_epi32(_mm512_loadu_si512(sums), start), scale,
                      er_avx512_range_of(c->range), count, c->output + unit);
}

void er_gemv_s8_avx512vnni(const er_gemv_s8_call *c) {
  const uint32_t excess = 128u * (uint32_t)sum_of_row(c);
  for (int32_t u = 0; u < c->units; u += SETTLED) {
    const int32_t count = c->units - u < SETTLED ? c->units - u : SETTLED;
    const int8_t *values = (const int8_t *)c->values + (int64_t)u * c->depth;
    int32_t sums[SETTLED] = {0}, i = 0;
    for (; i + UNITS <= count; i += UNITS) {
      multiply(c, values + (int64_t)i * c->depth, UNITS, sums + i);
    }
    for (; i < count; i++) multiply(c, values + (int64_t)i * c->depth, 1, sums + i);
    settle(c, u, count, sums, excess);
  }
}
