/* ADD and SUB of 8-bit integers with AVX2, 16 at a time: inputs are interleaved as int16 pairs (a,
 * b), multipliers of 22 bits are split in two parts that vpmaddwd can take. */
#include "avx2.h"

enum { STEP = 16, LOW_BITS = 12 };

typedef struct constants {
  __m256i high, low; /* multiplier pairs (a, b) in int16: high * 2^LOW_BITS + low */
  __m256i offset;    /* rounding less the zero points' part */
  __m128i shift;
  er_avx2_range range;
  __m128i flip; /* 0x80 for uint8, which is int8 + 128 */
} constants;

static __m256i pair(int32_t a, int32_t b) {
  return _mm256_set1_epi32((int32_t)((uint32_t)b << 16 | ((uint32_t)a & 0xFFFF)));
}

static constants prepare(const er_add_s8 *p, bool is_unsigned) {
  const int32_t shift = is_unsigned ? 128 : 0, mask = (1 << LOW_BITS) - 1;
  const int64_t offset = (INT64_C(1) << (p->shift - 1)) -
                         (int64_t)(p->a_zero - shift) * p->a_multiplier -
                         (int64_t)(p->b_zero - shift) * p->b_multiplier;
  const er_range_s8 range = {p->zero_point - shift, p->low - shift, p->high - shift};
  return (constants){.high = pair(p->a_multiplier >> LOW_BITS, p->b_multiplier >> LOW_BITS),
                     .low = pair(p->a_multiplier & mask, p->b_multiplier & mask),
                     .offset = _mm256_set1_epi32((int32_t)(uint32_t)(uint64_t)offset),
                     .shift = _mm_cvtsi32_si128(p->shift),
                     .range = er_avx2_range_of(range),
                     .flip = _mm_set1_epi8(is_unsigned ? -128 : 0)};
}

/* Eight results before the zero point. @param bytes interleaved (a, b) */
static ER_ALWAYS_INLINE __m256i scaled(const constants *k, __m128i bytes) {
  const __m256i pairs = _mm256_cvtepi8_epi16(bytes);
  const __m256i high = _mm256_slli_epi32(_mm256_madd_epi16(pairs, k->high), LOW_BITS);
  const __m256i low = _mm256_add_epi32(_mm256_madd_epi16(pairs, k->low), k->offset);
  return _mm256_sra_epi32(_mm256_add_epi32(high, low), k->shift);
}

static ER_ALWAYS_INLINE __m128i load(const uint8_t *from, const int32_t step, __m128i flip) {
  const __m128i bytes =
      step ? _mm_loadu_si128((const __m128i *)(const void *)from) : _mm_set1_epi8((char)*from);
  return _mm_xor_si128(bytes, flip);
}

static ER_ALWAYS_INLINE int32_t row(const constants *given, int32_t count, const uint8_t *a,
                                    const int32_t a_step, const uint8_t *b, const int32_t b_step,
                                    uint8_t *output) {
  const constants k = *given;
  int32_t i = 0;
  for (; i + STEP <= count; i += STEP) {
    const __m128i x = load(a + i * a_step, a_step, k.flip),
                  y = load(b + i * b_step, b_step, k.flip);
    const __m256i v0 = scaled(&k, _mm_unpacklo_epi8(x, y));
    const __m256i v1 = scaled(&k, _mm_unpackhi_epi8(x, y));
    const __m256i wide = _mm256_permute4x64_epi64(_mm256_packs_epi32(v0, v1), 0xD8);
    const __m256i sums = _mm256_adds_epi16(wide, k.range.zero_point);
    const __m128i bytes =
        _mm_packs_epi16(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
    const __m128i clamped = _mm_min_epi8(_mm_max_epi8(bytes, k.range.low), k.range.high);
    _mm_storeu_si128((__m128i *)(void *)(output + i), _mm_xor_si128(clamped, k.flip));
  }
  return i;
}

void er_add_row_s8_avx2(const er_add_s8 *add, bool is_unsigned, int32_t count, const void *a,
                        int32_t a_step, const void *b, int32_t b_step, uint8_t *output) {
  int32_t done = 0;
  if (add->shift <= 30 && count >= STEP) {
    const constants k = prepare(add, is_unsigned);
    if (a_step && b_step) {
      done = row(&k, count, a, 1, b, 1, output);
    } else if (a_step) {
      done = row(&k, count, a, 1, b, 0, output);
    } else {
      done = row(&k, count, a, 0, b, b_step, output);
    }
  }
  er_add_row_s8(add, is_unsigned, count - done, (const uint8_t *)a + done * a_step, a_step,
                (const uint8_t *)b + done * b_step, b_step, output + done);
}
