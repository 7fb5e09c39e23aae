/* ADD and SUB of 8-bit integers with AVX2, 32 at a time: inputs are interleaved as int16 pairs (a,
 * b), 256 times as large, multipliers of 22 bits are split in two parts that vpmaddwd can take. All
 * stays within its half of a vector, so packing brings back the order. */
#include "avx2.h"

enum { STEP = 32, LOW_BITS = 8 };

typedef struct constants {
  __m256i high, low; /* multiplier pairs (a, b) in int16: high * 2^LOW_BITS + low */
  __m256i offset;    /* rounding less the zero points' part */
  __m256i shift;
  __m256i zero_point, least, most;
  __m256i flip; /* 0x80 for uint8, which is int8 + 128 */
} constants;

static __m256i pair(int32_t a, int32_t b) {
  return _mm256_set1_epi32((int32_t)((uint32_t)b << 16 | ((uint32_t)a & 0xFFFF)));
}

static constants prepare(const er_add_s8 *p, bool is_unsigned) {
  const int32_t shift = is_unsigned ? 128 : 0, mask = (1 << LOW_BITS) - 1;
  const int64_t offset = (INT64_C(1) << (p->shift - 1)) -
                         (int64_t)(p->a_zero - shift) * p->a_multiplier -
                         (int64_t)(p->b_zero - shift) * p->b_multiplier;
  return (constants){.high = pair(p->a_multiplier >> LOW_BITS, p->b_multiplier >> LOW_BITS),
                     .low = pair(p->a_multiplier & mask, p->b_multiplier & mask),
                     .offset = _mm256_set1_epi32((int32_t)(uint32_t)(uint64_t)offset),
                     .shift = _mm256_set1_epi32(p->shift),
                     .zero_point = _mm256_set1_epi16((int16_t)(p->zero_point - shift)),
                     .least = _mm256_set1_epi8((char)(p->low - shift)),
                     .most = _mm256_set1_epi8((char)(p->high - shift)),
                     .flip = _mm256_set1_epi8(is_unsigned ? -128 : 0)};
}

/* Eight results before the zero point. @param pairs 256 * (a, b) */
static ER_ALWAYS_INLINE __m256i scaled(const constants *k, __m256i pairs) {
  const __m256i high = _mm256_add_epi32(_mm256_madd_epi16(pairs, k->high), k->offset);
  const __m256i low = _mm256_srai_epi32(_mm256_madd_epi16(pairs, k->low), LOW_BITS);
  return _mm256_srav_epi32(_mm256_add_epi32(high, low), k->shift);
}

/* Sixteen as int16. @param a,b int16, 256 times as large */
static ER_ALWAYS_INLINE __m256i sixteen(const constants *k, __m256i a, __m256i b) {
  const __m256i v0 = scaled(k, _mm256_unpacklo_epi16(a, b));
  const __m256i v1 = scaled(k, _mm256_unpackhi_epi16(a, b));
  return _mm256_adds_epi16(_mm256_packs_epi32(v0, v1), k->zero_point);
}

static ER_ALWAYS_INLINE __m256i load(const uint8_t *from, const int32_t step, __m256i flip) {
  const __m256i bytes = step ? _mm256_loadu_si256((const __m256i *)(const void *)from)
                             : _mm256_set1_epi8((char)*from);
  return _mm256_xor_si256(bytes, flip);
}

static ER_ALWAYS_INLINE int32_t row(const constants *given, int32_t count, const uint8_t *a,
                                    const int32_t a_step, const uint8_t *b, const int32_t b_step,
                                    uint8_t *output) {
  const constants k = *given;
  const __m256i zero = _mm256_setzero_si256();
  int32_t i = 0;
  for (; i + STEP <= count; i += STEP) {
    const __m256i x = load(a + i * a_step, a_step, k.flip);
    const __m256i y = load(b + i * b_step, b_step, k.flip);
    const __m256i low = sixteen(&k, _mm256_unpacklo_epi8(zero, x), _mm256_unpacklo_epi8(zero, y));
    const __m256i high = sixteen(&k, _mm256_unpackhi_epi8(zero, x), _mm256_unpackhi_epi8(zero, y));
    const __m256i bytes = _mm256_packs_epi16(low, high);
    const __m256i clamped = _mm256_min_epi8(_mm256_max_epi8(bytes, k.least), k.most);
    _mm256_storeu_si256((__m256i *)(void *)(output + i), _mm256_xor_si256(clamped, k.flip));
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
