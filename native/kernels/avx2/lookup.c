/* A table of 256 bytes in 16 parts of 16, by vpshufb, which gives 0 where bit 7 of its index is
 * set.
 *
 * The index loses 16 from part to part, so part k answers while it lies in [16 k, 16 k + 127]: with
 * the last eight parts up to its own. What a part adds (by xor) is therefore what makes those eight
 * together the table. Behind 128 the subtraction saturates, so an index that is done stays so. */
#include <immintrin.h>

#include "avx2.h"

enum { PARTS = 16, PART = 16, ANSWERING = 8 };

static void make_parts(const uint8_t *table, __m256i parts[PARTS]) {
  __m128i made[PARTS], before = _mm_setzero_si128();
  for (int k = 0; k < PARTS; ++k) {
    const __m128i own = _mm_loadu_si128((const __m128i *)(table + k * PART));
    made[k] = _mm_xor_si128(own, before);
    if (k >= ANSWERING) made[k] = _mm_xor_si128(made[k], made[k - ANSWERING]);
    before = own;
    parts[k] = _mm256_broadcastsi128_si256(made[k]);
  }
}

static __m256i look_up(const __m256i parts[PARTS], __m256i at) {
  const __m256i step = _mm256_set1_epi8(PART);
  __m256i value = _mm256_shuffle_epi8(parts[0], at);
  for (int k = 1; k < PARTS; ++k) {
    at = k <= ANSWERING ? _mm256_sub_epi8(at, step) : _mm256_subs_epi8(at, step);
    value = _mm256_xor_si256(value, _mm256_shuffle_epi8(parts[k], at));
  }
  return value;
}

void er_lookup_avx2(const uint8_t *table, int64_t count, const uint8_t *input, uint8_t *output) {
  int64_t i = 0;
  if (count >= (int64_t)sizeof(__m256i)) {
    __m256i parts[PARTS];
    make_parts(table, parts);
    for (; i + (int64_t)sizeof(__m256i) <= count; i += (int64_t)sizeof(__m256i)) {
      const __m256i at = _mm256_loadu_si256((const __m256i *)(input + i));
      _mm256_storeu_si256((__m256i *)(output + i), look_up(parts, at));
    }
  }
  er_lookup(table, count - i, input + i, output + i);
}
