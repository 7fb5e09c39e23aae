/* QUANTIZE to 8 bits and DEQUANTIZE from 8 bits with AVX2, 32 at a time. */
#include "avx2.h"

enum { STEP = 32 };

/* Whether one of a step's values is NaN. */
static ER_ALWAYS_INLINE bool has_nan(const float *x) {
  const __m256 low = _mm256_cmp_ps(_mm256_loadu_ps(x), _mm256_loadu_ps(x + 8), _CMP_UNORD_Q);
  const __m256 high = _mm256_cmp_ps(_mm256_loadu_ps(x + 16), _mm256_loadu_ps(x + 24), _CMP_UNORD_Q);
  return _mm256_movemask_ps(_mm256_or_ps(low, high)) != 0;
}

/* Eight values. Downwards the conversion gives INT32_MIN, which saturates. */
static ER_ALWAYS_INLINE __m256i round_8(const float *from, __m256 inverse, __m256 most) {
  const __m256 value = _mm256_mul_ps(_mm256_loadu_ps(from), inverse);
  return _mm256_cvtps_epi32(_mm256_min_ps(value, most));
}

static int64_t quantize(bool is_unsigned, float inverse_scale, int32_t zero_point, int64_t count,
                        const float *input, uint8_t *output) {
  const int32_t flip = is_unsigned ? 128 : 0;
  const __m256 inverse = _mm256_set1_ps(inverse_scale);
  const __m256 most = _mm256_set1_ps((float)(127 + flip - zero_point));
  const __m256i zero = _mm256_set1_epi16((int16_t)(zero_point - flip));
  const __m256i flips = _mm256_set1_epi8((char)(is_unsigned ? -128 : 0));
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  int64_t i = 0;
  for (; i + STEP <= count; i += STEP) {
    if (has_nan(input + i)) {
      er_quantize(is_unsigned ? EDGERT_UINT8 : EDGERT_INT8, inverse_scale, zero_point, STEP,
                  input + i, output + i);
      continue;
    }
    const __m256i v0 = round_8(input + i, inverse, most),
                  v1 = round_8(input + i + 8, inverse, most);
    const __m256i v2 = round_8(input + i + 16, inverse, most);
    const __m256i v3 = round_8(input + i + 24, inverse, most);
    const __m256i low = _mm256_adds_epi16(_mm256_packs_epi32(v0, v1), zero);
    const __m256i high = _mm256_adds_epi16(_mm256_packs_epi32(v2, v3), zero);
    const __m256i bytes = _mm256_permutevar8x32_epi32(_mm256_packs_epi16(low, high), order);
    _mm256_storeu_si256((__m256i *)(void *)(output + i), _mm256_xor_si256(bytes, flips));
  }
  return i;
}

void er_quantize_avx2(edgert_type type, float inverse_scale, int32_t zero_point, int64_t count,
                      const float *input, void *output) {
  int64_t done = 0;
  if (type == EDGERT_INT8 || type == EDGERT_UINT8) {
    done = quantize(type == EDGERT_UINT8, inverse_scale, zero_point, count, input, output);
  }
  const size_t bytes = type == EDGERT_INT16 ? 2 : 1;
  er_quantize(type, inverse_scale, zero_point, count - done, input + done,
              (char *)output + (size_t)done * bytes);
}

static ER_ALWAYS_INLINE int64_t dequantize(const bool is_unsigned, float scale, int32_t zero_point,
                                           int64_t count, const uint8_t *input, float *output) {
  const __m256i zero = _mm256_set1_epi32(zero_point);
  const __m256 scales = _mm256_set1_ps(scale);
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    const __m128i bytes = _mm_loadl_epi64((const __m128i *)(const void *)(input + i));
    const __m256i x = is_unsigned ? _mm256_cvtepu8_epi32(bytes) : _mm256_cvtepi8_epi32(bytes);
    const __m256 value = _mm256_cvtepi32_ps(_mm256_sub_epi32(x, zero));
    _mm256_storeu_ps(output + i, _mm256_mul_ps(value, scales));
  }
  return i;
}

void er_dequantize_avx2(edgert_type type, float scale, int32_t zero_point, int64_t count,
                        const void *input, float *output) {
  if (type != EDGERT_INT8 && type != EDGERT_UINT8) {
    er_dequantize(type, scale, zero_point, count, input, output);
    return;
  }
  const int64_t done = type == EDGERT_UINT8
                           ? dequantize(true, scale, zero_point, count, input, output)
                           : dequantize(false, scale, zero_point, count, input, output);
  er_dequantize(type, scale, zero_point, count - done, (const char *)input + done, output + done);
}
