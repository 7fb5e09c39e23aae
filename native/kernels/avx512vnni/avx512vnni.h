/* The kernels of AVX-512 with VNNI, and what they share. */
#ifndef ER_AVX512VNNI_H
#define ER_AVX512VNNI_H

#include <immintrin.h>
#include <string.h>

#include "kernels/kernels.h"

#ifndef ER_ALWAYS_INLINE
#define ER_ALWAYS_INLINE inline __attribute__((always_inline))
#endif

extern const er_gemm_s8 er_gemm_s8_avx512vnni;
extern const er_gemm_w4b er_gemm_w4b_avx512vnni;
extern const er_dwconv_s8 er_dwconv_s8_avx512vnni;
void er_gemv_s8_avx512vnni(const er_gemv_s8_call *call);
extern const er_gemm_f32 er_gemm_f32_avx512;
extern const er_winograd_f32 er_winograd_f32_avx512;
void er_layer_norm_f32_avx512(const struct er_layer_norm *norm, int64_t rows, const float *input,
                              float *output);
void er_unary_f32_avx512(er_unary op, float alpha, int64_t count, const float *input,
                         float *output);
void er_batch_matmul_avx512(const er_matmul_shape *shape, const er_matmul_rule *rule, const void *a,
                            const void *b, void *output, int32_t product, int16_t *scratch);
er_row_quant er_quantize_row_avx512(int64_t count, const float *input, int8_t *output);
void er_scale_sums_avx512(const er_scale_sums_call *call);
void er_quantize_avx512(edgert_type type, float inverse_scale, int32_t zero_point, int64_t count,
                        const float *input, void *output);
void er_softmax_f32_avx512(bool logarithm, int64_t rows, int32_t depth, float beta,
                           const float *input, float *output);
void er_add_row_s8_avx512(const er_add_s8 *add, bool is_unsigned, int32_t count, const void *a,
                          int32_t a_step, const void *b, int32_t b_step, uint8_t *output);
void er_dwconv_f32_avx512(const er_dwconv_f32_call *c);

/* A range in the form of the last step: int16 zero points and byte bounds. */
typedef struct er_avx512_range {
  __m512 most; /* keeps the conversion to int32 from overflowing upwards */
  __m512i zero_point;
  __m256i low, high;
} er_avx512_range;

static inline er_avx512_range er_avx512_range_of(er_range_s8 range) {
  return (er_avx512_range){_mm512_set1_ps((float)(range.high - range.zero_point)),
                           _mm512_set1_epi16((int16_t)range.zero_point),
                           _mm256_set1_epi8((char)range.low), _mm256_set1_epi8((char)range.high)};
}

/** rint(sums * scale). Downwards the conversion gives INT32_MIN, which later steps clamp. */
static inline __m512i er_avx512_round(__m512i sums, __m512 scale, __m512 most) {
  const __m512 value = _mm512_mul_ps(_mm512_cvtepi32_ps(sums), scale);
  return _mm512_cvtps_epi32(_mm512_min_ps(value, most));
}

/** From rounded values to bytes: zero point and clamp.
 * @param v0,v1 in each 128-bit lane l: values 8l..8l+3 and 8l+4..8l+7
 * @return 32 bytes in order */
static inline __m256i er_avx512_settle(__m512i v0, __m512i v1, er_avx512_range range) {
  const __m512i wide = _mm512_adds_epi16(_mm512_packs_epi32(v0, v1), range.zero_point);
  return _mm256_min_epi8(_mm256_max_epi8(_mm512_cvtsepi16_epi8(wide), range.low), range.high);
}

/** From the sums of 16 units, in order, to bytes.
 * @param scale [16]  @param units how many to store; more than 16 are 16 */
static inline void er_avx512_store_one(__m512i v, const float *scale, er_avx512_range range,
                                       int32_t units, int8_t *output) {
  const __m512i least = _mm512_set1_epi32(INT16_MIN); /* so that the zero point cannot wrap */
  v = _mm512_max_epi32(er_avx512_round(v, _mm512_loadu_ps(scale), range.most), least);
  const __m128i bytes = _mm512_cvtsepi32_epi8(
      _mm512_add_epi32(v, _mm512_cvtepi16_epi32(_mm512_castsi512_si256(range.zero_point))));
  const __m128i clamped = _mm_min_epi8(_mm_max_epi8(bytes, _mm256_castsi256_si128(range.low)),
                                       _mm256_castsi256_si128(range.high));
  _mm_mask_storeu_epi8(output, units >= 16 ? 0xFFFF : (__mmask16)((1u << units) - 1), clamped);
}

/** From the sums of 32 units, by slot, to bytes.
 * @param scale [32] by slot  @param units how many to store; more than 32 are 32 */
static inline void er_avx512_store_pair(__m512i v0, __m512i v1, const float *scale,
                                        er_avx512_range range, int32_t units, int8_t *output) {
  v0 = er_avx512_round(v0, _mm512_loadu_ps(scale), range.most);
  v1 = er_avx512_round(v1, _mm512_loadu_ps(scale + 16), range.most);
  const __m256i bytes = er_avx512_settle(v0, v1, range);
  if (units >= 32) {
    _mm256_storeu_si256((__m256i *)(void *)output, bytes);
  } else {
    _mm256_mask_storeu_epi8(output, (1u << units) - 1, bytes);
  }
}

#endif
