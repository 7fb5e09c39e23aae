/* One int8 row times weights of 4 bits as they lie in the file, with AVX2: four units at a time.
 * Nibbles plus 8 are of 0..15, as VPMADDUBSW wants its first operand; what the 8 add up to is taken
 * off at the end. Nothing behind the weights is read. */
#include "avx2.h"
#include "kernels/rounding.h"

enum { UNITS = 4, STEP = 32, RISE = 8 };
enum { NO_PAIR = 0x88 }; /* two nibbles that are 0 once they have risen */

static ER_ALWAYS_INLINE __m256i load(const void *from) {
  return _mm256_loadu_si256((const __m256i *)from);
}

/* STEP pairs of weights times what they meet. */
static ER_ALWAYS_INLINE __m256i multiply_pairs(__m256i pairs, __m256i even, __m256i odd) {
  const __m256i nibble = _mm256_set1_epi8(15);
  const __m256i risen = _mm256_xor_si256(pairs, _mm256_set1_epi8((char)NO_PAIR));
  const __m256i low = _mm256_and_si256(risen, nibble);
  const __m256i high = _mm256_and_si256(_mm256_srli_epi16(risen, 4), nibble);
  const __m256i sums =
      _mm256_add_epi16(_mm256_maddubs_epi16(low, even), _mm256_maddubs_epi16(high, odd));
  return _mm256_madd_epi16(sums, _mm256_set1_epi16(1));
}

/* The last, incomplete step of a unit. */
static __m256i load_rest(const uint8_t *from, int32_t count) {
  uint8_t rest[STEP];
  memset(rest, NO_PAIR, sizeof rest);
  memcpy(rest, from, (size_t)count);
  return load(rest);
}

#define EACH_UNIT(DO) DO(0) DO(1) DO(2) DO(3)
#define DECLARE(u) __m256i s##u = _mm256_setzero_si256();
#define MULTIPLY(u, pairs) \
  if (units > u) s##u = _mm256_add_epi32(s##u, multiply_pairs(pairs, even, odd));
#define WHOLE(u) MULTIPLY(u, load(values + u * bytes + i))
#define REST(u) MULTIPLY(u, load_rest(values + u * bytes + i, c->depth / 2 - i))
#define SUM(u) \
  if (units > u) sums[u] = er_add_lanes(s##u);

/* @param values of the first unit  @param units 1..4, a constant  @param[out] sums [units] */
static ER_ALWAYS_INLINE void multiply(const er_gemv_s8_call *c, const uint8_t *values,
                                      const int units, int32_t *sums) {
  const int64_t bytes = c->depth / 2;
  const char *next = (const char *)(values + units * bytes);
  EACH_UNIT(DECLARE)
  int32_t i = 0;
  for (; i + STEP <= bytes; i += STEP, next += units * STEP) {
    const __m256i even = load(c->input + i), odd = load(c->input + bytes + i);
    for (int u = 0; u < units; u += 2) _mm_prefetch(next + u * STEP, _MM_HINT_T0);
    EACH_UNIT(WHOLE)
  }
  if (i < bytes) {
    const __m256i even = load(c->input + i), odd = load(c->input + bytes + i);
    EACH_UNIT(REST)
  }
  EACH_UNIT(SUM)
}

static int32_t sum_of(const int8_t *input, int32_t depth) {
  int32_t sum = 0;
  for (int32_t d = 0; d < depth; d++) sum += input[d];
  return sum;
}

/* @param risen the sum, too high by `rise` */
static void settle(const er_gemv_s8_call *c, int32_t unit, int32_t risen, int32_t rise) {
  const int32_t acc = (int32_t)((uint32_t)(risen - rise) + (uint32_t)c->bias[unit]);
  c->output[unit] = (int8_t)er_settle((float)acc * c->scale[unit], c->range.zero_point,
                                      c->range.low, c->range.high);
}

void er_gemv_w4_avx2(const er_gemv_s8_call *c) {
  const int32_t rise = RISE * sum_of(c->input, c->depth);
  const uint8_t *values = c->values;
  int32_t sums[UNITS], u = 0;
  for (; u + UNITS <= c->units; u += UNITS, values += UNITS * (int64_t)(c->depth / 2)) {
    multiply(c, values, UNITS, sums);
    for (int32_t i = 0; i < UNITS; i++) settle(c, u + i, sums[i], rise);
  }
  for (; u < c->units; u++, values += c->depth / 2) {
    multiply(c, values, 1, sums);
    settle(c, u, sums[0], rise);
  }
}
