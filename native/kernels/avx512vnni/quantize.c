/* QUANTIZE to 8 bits with AVX-512, 64 at a time. */
#include "avx512vnni.h"
#include "kernels/avx2/avx2.h"

enum { STEP = 64, LANES = 16 };

/* NaN gives 0. Downwards the conversion gives INT32_MIN, which saturates. */
static inline __m512i round_16(const float *from, __m512 inverse, __m512 most) {
  const __m512 x = _mm512_loadu_ps(from);
  const __m512 value = _mm512_maskz_mul_ps(_mm512_cmp_ps_mask(x, x, _CMP_ORD_Q), x, inverse);
  return _mm512_cvtps_epi32(_mm512_min_ps(value, most));
}

static int64_t quantize(bool is_unsigned, float inverse_scale, int32_t zero_point, int64_t count,
                        const float *input, uint8_t *output) {
  const int32_t flip = is_unsigned ? 128 : 0;
  const __m512 inverse = _mm512_set1_ps(inverse_scale);
  const __m512 most = _mm512_set1_ps((float)(127 + flip - zero_point));
  const __m512i zero = _mm512_set1_epi16((int16_t)(zero_point - flip));
  const __m512i flips = _mm512_set1_epi8((char)(is_unsigned ? -128 : 0));
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  int64_t i = 0;
  for (; i + STEP <= count; i += STEP) {
    const __m512i v0 = round_16(input + i, inverse, most);
    const __m512i v1 = round_16(input + i + LANES, inverse, most);
    const __m512i v2 = round_16(input + i + 2 * LANES, inverse, most);
    const __m512i v3 = round_16(input + i + 3 * LANES, inverse, most);
    const __m512i low = _mm512_adds_epi16(_mm512_packs_epi32(v0, v1), zero);
    const __m512i high = _mm512_adds_epi16(_mm512_packs_epi32(v2, v3), zero);
    const __m512i bytes = _mm512_permutexvar_epi32(order, _mm512_packs_epi16(low, high));
    _mm512_storeu_si512(output + i, _mm512_xor_si512(bytes, flips));
  }
  return i;
}

void er_quantize_avx512(edgert_type type, float inverse_scale, int32_t zero_point, int64_t count,
                        const float *input, void *output) {
  int64_t done = 0;
  if (type == EDGERT_INT8 || type == EDGERT_UINT8) {
    done = quantize(type == EDGERT_UINT8, inverse_scale, zero_point, count, input, output);
  }
  er_quantize_avx2(type, inverse_scale, zero_point, count - done, input + done,
                   (char *)output + done);
}
