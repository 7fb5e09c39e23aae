/* Two slopes through a zero point with AVX2, 32 at a time: vpmulhrsw of 128 * d and m is
 * (d * m + 128) >> 8. */
#include "avx2.h"

enum { STEP = sizeof(__m256i) };

typedef struct constants {
  __m256i in_zero; /* 128 times as large */
  __m256i above, below, out_zero;
} constants;

/* @param bends whether the slopes differ  @param x int16, 256 times as large */
static ER_ALWAYS_INLINE __m256i slope(const bool bends, constants k, __m256i x) {
  const __m256i d = _mm256_sub_epi16(_mm256_srai_epi16(x, 1), k.in_zero);
  const __m256i m =
      bends ? _mm256_blendv_epi8(k.above, k.below, _mm256_srai_epi16(d, 15)) : k.above;
  return _mm256_adds_epi16(_mm256_mulhrs_epi16(d, m), k.out_zero);
}

/* @param flip 0x80 turns uint8 into int8, 128 lower */
static ER_ALWAYS_INLINE __m256i slopes_32(const bool bends, constants k, __m256i flip,
                                          const uint8_t *from) {
  const __m256i x = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(const void *)from), flip);
  const __m256i zero = _mm256_setzero_si256();
  const __m256i low = slope(bends, k, _mm256_unpacklo_epi8(zero, x));
  const __m256i high = slope(bends, k, _mm256_unpackhi_epi8(zero, x));
  return _mm256_xor_si256(_mm256_packs_epi16(low, high), flip);
}

static ER_ALWAYS_INLINE void row(const bool bends, constants k, __m256i flip, int64_t count,
                                 const uint8_t *input, uint8_t *output) {
  uint8_t rest[STEP] = {0};
  int64_t i = 0;
  for (; i + STEP <= count; i += STEP) {
    _mm256_storeu_si256((__m256i *)(void *)(output + i), slopes_32(bends, k, flip, input + i));
  }
  if (i == count) return;
  memcpy(rest, input + i, (size_t)(count - i));
  _mm256_storeu_si256((__m256i *)(void *)rest, slopes_32(bends, k, flip, rest));
  memcpy(output + i, rest, (size_t)(count - i));
}

void er_slopes_avx2(const er_slopes *slopes, bool is_unsigned, int64_t count, const uint8_t *input,
                    uint8_t *output) {
  const int32_t shift = is_unsigned ? 128 : 0;
  const __m256i flip = _mm256_set1_epi8((char)(is_unsigned ? -128 : 0));
  const constants k = {_mm256_set1_epi16((int16_t)((slopes->in_zero - shift) * 128)),
                       _mm256_set1_epi16((int16_t)slopes->above),
                       _mm256_set1_epi16((int16_t)slopes->below),
                       _mm256_set1_epi16((int16_t)(slopes->out_zero - shift))};
  if (slopes->above == slopes->below) {
    row(false, k, flip, count, input, output);
  } else {
    row(true, k, flip, count, input, output);
  }
}
