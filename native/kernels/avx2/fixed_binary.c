/* ADD, SUB, MUL, SQUARED_DIFFERENCE and PRELU in 31-bit fixed point with AVX2, eight at a time. */
#include "avx2.h"
#include "kernels/load.h"

enum { STEP = 8, MOST_BYTES = 2 * STEP };

/* ---- er_mulfix ------------------------------------------------------------------------------- */

/* v * 2^count, saturated: what does not come back was too large. */
static ER_ALWAYS_INLINE __m256i shift_left(__m256i v, int32_t count) {
  const __m128i by = _mm_cvtsi32_si128(count);
  const __m256i shifted = _mm256_sll_epi32(v, by);
  const __m256i fits = _mm256_cmpeq_epi32(_mm256_sra_epi32(shifted, by), v);
  const __m256i most = _mm256_xor_si256(_mm256_srai_epi32(v, 31), _mm256_set1_epi32(INT32_MAX));
  return _mm256_blendv_epi8(most, shifted, fits);
}

/* v / 2^count, ties away from zero. */
static ER_ALWAYS_INLINE __m256i shift_right(__m256i v, int32_t count) {
  const __m256i mask = _mm256_set1_epi32((int32_t)((UINT32_C(1) << count) - 1));
  const __m256i threshold = _mm256_sub_epi32(_mm256_srli_epi32(mask, 1), _mm256_srai_epi32(v, 31));
  const __m256i rest = _mm256_and_si256(v, mask);
  const __m256i whole = _mm256_sra_epi32(v, _mm_cvtsi32_si128(count));
  return _mm256_sub_epi32(whole, _mm256_cmpgt_epi32(rest, threshold));
}

/* Products of 64 bits of the even and of the odd lanes, of which bits 31 to 62 are kept. */
static ER_ALWAYS_INLINE __m256i mulfix(__m256i v, er_fixed scale) {
  const __m256i multiplier = _mm256_set1_epi32(scale.multiplier);
  const __m256i nudge = _mm256_set1_epi64x(INT64_C(1) << 30);
  if (scale.exponent > 0) v = shift_left(v, scale.exponent);
  const __m256i even = _mm256_add_epi64(_mm256_mul_epi32(v, multiplier), nudge);
  const __m256i odd =
      _mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64(v, 32), multiplier), nudge);
  const __m256i high =
      _mm256_blend_epi32(_mm256_srli_epi64(even, 31), _mm256_slli_epi64(odd, 1), 0xAA);
  return scale.exponent < 0 ? shift_right(high, -scale.exponent) : high;
}

/* ---- one vector ------------------------------------------------------------------------------ */

static ER_ALWAYS_INLINE __m256i load(edgert_type type, const void *from, int32_t zero) {
  const __m256i x = type == EDGERT_INT16  ? _mm256_cvtepi16_epi32(_mm_loadu_si128(from))
                    : type == EDGERT_INT8 ? _mm256_cvtepi8_epi32(_mm_loadl_epi64(from))
                                          : _mm256_cvtepu8_epi32(_mm_loadl_epi64(from));
  return _mm256_sub_epi32(x, _mm256_set1_epi32(zero));
}

static ER_ALWAYS_INLINE __m256i combine(const er_fixed_binary *p, __m256i a, __m256i b) {
  if (p->op == ER_MUL) return mulfix(_mm256_mullo_epi32(a, b), p->scale);
  if (p->op == ER_PRELU) {
    const __m256i below = mulfix(_mm256_mullo_epi32(a, b), p->scale);
    return _mm256_blendv_epi8(mulfix(a, p->a_scale), below, _mm256_srai_epi32(a, 31));
  }
  const __m128i left = _mm_cvtsi32_si128(p->left_shift);
  const __m256i x = mulfix(_mm256_sll_epi32(a, left), p->a_scale);
  const __m256i y = mulfix(_mm256_sll_epi32(b, left), p->b_scale);
  if (p->op == ER_ADD) return mulfix(_mm256_add_epi32(x, y), p->scale);
  const __m256i difference = _mm256_sub_epi32(x, y);
  if (p->op == ER_SUB) return mulfix(difference, p->scale);
  return mulfix(_mm256_mullo_epi32(difference, difference), p->scale);
}

static ER_ALWAYS_INLINE void store(const er_fixed_binary *p, edgert_type type, __m256i v,
                                   void *to) {
  v = _mm256_min_epi32(v, _mm256_set1_epi32(p->high - p->zero_point));
  v = _mm256_max_epi32(v, _mm256_set1_epi32(p->low - p->zero_point));
  v = _mm256_add_epi32(v, _mm256_set1_epi32(p->zero_point));
  const __m128i wide = _mm_packs_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  if (type == EDGERT_INT16) {
    _mm_storeu_si128(to, wide);
  } else if (type == EDGERT_INT8) {
    _mm_storel_epi64(to, _mm_packs_epi16(wide, wide));
  } else {
    _mm_storel_epi64(to, _mm_packus_epi16(wide, wide));
  }
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* A vector of the one value that stands for a row. */
static const void *repeated(edgert_type type, const void *value, int32_t step, void *copies) {
  if (step) return value;
  for (int32_t i = 0; i < STEP; i++) er_store(type, copies, i, er_load(type, value, 0));
  return copies;
}

void er_fixed_binary_row_avx2(const er_fixed_binary *binary, edgert_type type, int32_t count,
                              const void *a, int32_t a_step, const void *b, int32_t b_step,
                              void *output) {
  const int64_t bytes = type == EDGERT_INT16 ? 2 : 1;
  char a_copies[MOST_BYTES], b_copies[MOST_BYTES], *to = output;
  const char *x = repeated(type, a, a_step, a_copies), *y = repeated(type, b, b_step, b_copies);
  const int64_t x_bytes = a_step * bytes, y_bytes = b_step * bytes;
  int32_t i = 0;
  for (; i + STEP <= count; i += STEP) {
    const __m256i u = load(type, x + i * x_bytes, binary->a_zero);
    const __m256i v = load(type, y + i * y_bytes, binary->b_zero);
    store(binary, type, combine(binary, u, v), to + i * bytes);
  }
  er_fixed_binary_row(binary, type, count - i, (const char *)a + i * x_bytes, a_step,
                      (const char *)b + i * y_bytes, b_step, to + i * bytes);
}
