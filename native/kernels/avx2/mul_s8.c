/* MUL of 8-bit integers with AVX2, 16 at a time. */
#include "avx2.h"

enum { STEP = 16 };

typedef struct constants {
  __m256i a_zero, b_zero; /* int16 */
  __m256 scale;
  er_avx2_range range;
  __m128i flip; /* 0x80 for uint8 */
} constants;

static constants prepare(const er_mul_s8 *p, bool is_unsigned) {
  const int32_t shift = is_unsigned ? 128 : 0;
  const er_range_s8 range = {p->zero_point - shift, p->low - shift, p->high - shift};
  return (constants){_mm256_set1_epi16((int16_t)(p->a_zero - shift)),
                     _mm256_set1_epi16((int16_t)(p->b_zero - shift)), _mm256_set1_ps(p->scale),
                     er_avx2_range_of(range), _mm_set1_epi8(is_unsigned ? -128 : 0)};
}

static ER_ALWAYS_INLINE __m256i load(const uint8_t *from, const int32_t step, __m128i flip,
                                     __m256i zero) {
  const __m128i bytes =
      step ? _mm_loadu_si128((const __m128i *)(const void *)from) : _mm_set1_epi8((char)*from);
  return _mm256_sub_epi16(_mm256_cvtepi8_epi16(_mm_xor_si128(bytes, flip)), zero);
}

static ER_ALWAYS_INLINE int32_t row(const constants *given, int32_t count, const uint8_t *a,
                                    const int32_t a_step, const uint8_t *b, const int32_t b_step,
                                    uint8_t *output) {
  const constants k = *given;
  int32_t i = 0;
  for (; i + STEP <= count; i += STEP) {
    const __m256i x = load(a + i * a_step, a_step, k.flip, k.a_zero);
    const __m256i y = load(b + i * b_step, b_step, k.flip, k.b_zero);
    const __m256i low = _mm256_mullo_epi16(x, y), high = _mm256_mulhi_epi16(x, y);
    const __m256i v0 = er_avx2_round(_mm256_unpacklo_epi16(low, high), k.scale, k.range.most);
    const __m256i v1 = er_avx2_round(_mm256_unpackhi_epi16(low, high), k.scale, k.range.most);
    _mm_storeu_si128((__m128i *)(void *)(output + i),
                     _mm_xor_si128(er_avx2_settle(v0, v1, k.range), k.flip));
  }
  return i;
}

void er_mul_row_s8_avx2(const er_mul_s8 *mul, bool is_unsigned, int32_t count, const void *a,
                        int32_t a_step, const void *b, int32_t b_step, uint8_t *output) {
  int32_t done = 0;
  if (count >= STEP) {
    const constants k = prepare(mul, is_unsigned);
    if (a_step && b_step) {
      done = row(&k, count, a, 1, b, 1, output);
    } else if (a_step) {
      done = row(&k, count, a, 1, b, 0, output);
    } else {
      done = row(&k, count, a, 0, b, b_step, output);
    }
  }
  er_mul_row_s8(mul, is_unsigned, count - done, (const uint8_t *)a + done * a_step, a_step,
                (const uint8_t *)b + done * b_step, b_step, output + done);
}
