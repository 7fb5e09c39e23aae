/* The kernels of AVX2 and FMA, and what they share. */
#ifndef ER_AVX2_H
#define ER_AVX2_H

#include <immintrin.h>
#include <string.h>

#include "kernels/kernels.h"

extern const er_gemm_s8 er_gemm_s8_avx2;
extern const er_gemm_w4b er_gemm_w4b_avx2;
extern const er_winograd_s8 er_winograd_s8_avx2;
void er_gemm_wide_s8_avx2(int32_t count, int32_t depth, const int16_t *rows, const int16_t *weights,
                          const er_requant *requant, uint8_t *output, int64_t stride, int32_t first,
                          int32_t last);
void er_dwconv_wide_s8_avx2(const er_conv_shape *shape, const int16_t *lines,
                            const int16_t *weights, const er_requant *requant, uint8_t *output);
er_row_quant er_quantize_row_avx2(int64_t count, const float *input, int8_t *output);
void er_scale_sums_avx2(const er_scale_sums_call *call);
extern const er_dwconv_s8 er_dwconv_s8_avx2;
extern const er_gemm_f32 er_gemm_f32_avx2;
extern const er_winograd_f32 er_winograd_f32_avx2;
void er_dwconv_f32_avx2(const er_dwconv_f32_call *call);
void er_gemv_s8_avx2(const er_gemv_s8_call *call);
void er_gemv_w4_avx2(const er_gemv_s8_call *call);
void er_fc_f32_avx2(const er_fc_shape *shape, const float *input, const float *weights,
                    const float *bias, float low, float high, float *output, int32_t first,
                    int32_t last);
void er_batch_matmul_avx2(const er_matmul_shape *shape, const er_matmul_rule *rule, const void *a,
                          const void *b, void *output, int32_t product, int16_t *scratch);
void er_wide_units_rows_avx2(const struct er_wide_units *wide, int32_t count, const int8_t *rows,
                             int32_t first, int32_t last, int8_t *output, int64_t stride);
void er_wide_units_line_avx2(const struct er_wide_units *wide, const er_conv_shape *shape,
                             const int8_t *const *lines, int8_t *output);
void er_add_row_s8_avx2(const er_add_s8 *add, bool is_unsigned, int32_t count, const void *a,
                        int32_t a_step, const void *b, int32_t b_step, uint8_t *output);
void er_mul_row_s8_avx2(const er_mul_s8 *mul, bool is_unsigned, int32_t count, const void *a,
                        int32_t a_step, const void *b, int32_t b_step, uint8_t *output);
void er_fixed_binary_row_avx2(const struct er_fixed_binary *binary, edgert_type type, int32_t count,
                              const void *a, int32_t a_step, const void *b, int32_t b_step,
                              void *output);
void er_slopes_avx2(const er_slopes *slopes, bool is_unsigned, int64_t count, const uint8_t *input,
                    uint8_t *output);
void er_lookup_avx2(const uint8_t *table, int64_t count, const uint8_t *input, uint8_t *output);
void er_quantize_avx2(edgert_type type, float inverse_scale, int32_t zero_point, int64_t count,
                      const float *input, void *output);
void er_dequantize_avx2(edgert_type type, float scale, int32_t zero_point, int64_t count,
                        const void *input, float *output);
void er_sum_avx2(const er_reduce_shape *shape, edgert_type type, const void *input, int64_t *sums);
void er_average_pool_avx2(const er_conv_shape *shape, edgert_type type, int32_t low, int32_t high,
                          const void *input, void *output, int32_t first, int32_t last);
void er_average_pool_f32_avx2(const struct er_pool_f32_call *call);
void er_max_pool_f32_avx2(const struct er_pool_f32_call *call);
void er_max_pool_avx2(const er_conv_shape *shape, edgert_type type, int32_t low, int32_t high,
                      const void *input, void *output, int32_t first, int32_t last);

void er_resize_bilinear_avx2(const er_resize_shape *shape, edgert_type type, const void *input,
                             void *output, int32_t first, int32_t last);
void er_softmax_f32_avx2(bool logarithm, int64_t rows, int32_t depth, float beta,
                         const float *input, float *output);
void er_softmax_s8_avx2(int64_t rows, int32_t depth, const float *exponentials, float output_scale,
                        int32_t zero_point, bool is_unsigned, const void *input, uint8_t *output);
void er_layer_norm_f32_avx2(const struct er_layer_norm *norm, int64_t rows, const float *input,
                            float *output);
void er_unary_f32_avx2(er_unary op, float alpha, int64_t count, const float *input, float *output);
void er_binary_f32_avx2(er_binary op, int32_t count, const float *a, int32_t a_step, const float *b,
                        int32_t b_step, float low, float high, float *output);
void er_reduce_f32_avx2(er_reduce op, const er_reduce_shape *shape, const float *input,
                        float *output);
void er_extreme_avx2(const er_reduce_shape *shape, edgert_type type, bool largest,
                     const void *input, void *output);
bool er_integer_binary_row_avx2(er_binary op, edgert_type type, er_wide_range range, int32_t count,
                                const void *a, int32_t a_step, const void *b, int32_t b_step,
                                void *output);
er_compare_row er_compare_for_avx2(er_comparison op, edgert_type type);
void er_select_avx2(int32_t count, int64_t element_bytes, const uint8_t *choice,
                    int64_t choice_step, const void *a, int64_t a_step, const void *b,
                    int64_t b_step, void *output);
void er_copy_strided_avx2(const struct er_copy *copy, int64_t first, int64_t last, void *out,
                          const void *in);
void er_cast_avx2(int64_t count, edgert_type from, const void *input, edgert_type to, void *output);
er_arg_extreme er_arg_extreme_for_avx2(edgert_type type);

/* gcc must see the numbers of rows and vectors as constants to keep sums in registers. */
#define ER_ALWAYS_INLINE inline __attribute__((always_inline))

/** @return four bytes at `from`, in all lanes. */
static ER_ALWAYS_INLINE __m256i er_spread32(const void *from) {
  int32_t value;
  memcpy(&value, from, sizeof value);
  return _mm256_set1_epi32(value);
}

/** @return the sum of eight int32s; wraps. */
static inline int32_t er_add_lanes(__m256i sums) {
  const __m128i half =
      _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
  const __m128i pair = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0x4E));
  return _mm_cvtsi128_si32(_mm_add_epi32(pair, _mm_shuffle_epi32(pair, 0xB1)));
}

/* A range in the form of the last step: int16 zero points and byte bounds. */
typedef struct er_avx2_range {
  __m256 most; /* keeps the conversion to int32 from overflowing upwards */
  __m256i zero_point;
  __m128i low, high;
} er_avx2_range;

static ER_ALWAYS_INLINE er_avx2_range er_avx2_range_of(er_range_s8 range) {
  return (er_avx2_range){_mm256_set1_ps((float)(range.high - range.zero_point)),
                         _mm256_set1_epi16((int16_t)range.zero_point),
                         _mm_set1_epi8((char)range.low), _mm_set1_epi8((char)range.high)};
}

/** rint(sums * scale). Downwards the conversion gives INT32_MIN, which later steps clamp. */
static ER_ALWAYS_INLINE __m256i er_avx2_round(__m256i sums, __m256 scale, __m256 most) {
  const __m256 value = _mm256_mul_ps(_mm256_cvtepi32_ps(sums), scale);
  return _mm256_cvtps_epi32(_mm256_min_ps(value, most));
}

/** From rounded values to bytes: zero point and clamp.
 * @param v0,v1 values 0-3, 8-11 and 4-7, 12-15
 * @return 16 bytes in order */
static ER_ALWAYS_INLINE __m128i er_avx2_settle(__m256i v0, __m256i v1, er_avx2_range range) {
  const __m256i wide = _mm256_adds_epi16(_mm256_packs_epi32(v0, v1), range.zero_point);
  const __m128i bytes =
      _mm_packs_epi16(_mm256_castsi256_si128(wide), _mm256_extracti128_si256(wide, 1));
  return _mm_min_epi8(_mm_max_epi8(bytes, range.low), range.high);
}

/* To a range from -128 (the zero point) to 127, as after a ReLU, sums of less than 2^23 convert to
 * floats for nothing: added to the bits of 2^23 they are those of 2^23 + sum, exact, and
 * fma(2^23 + sum, scale, -2^23 * scale) is sum * scale, rounded once. Of sums below 0, whose bits
 * stand for 2^23 + sum / 2, the sign is right, and all become -128. */
enum { ER_TWO_23_BITS = 0x4B000000 };

static ER_ALWAYS_INLINE __m256 er_avx2_rectify_offset(__m256 scale) {
  return _mm256_mul_ps(scale, _mm256_set1_ps(-0x1p23f));
}

/** rint(sums * scale), or something below 1 where that is.
 * @param sums with ER_TWO_23_BITS added; scaled they fit int32
 * @param offset er_avx2_rectify_offset(scale) */
static ER_ALWAYS_INLINE __m256i er_avx2_rectify(__m256i sums, __m256 scale, __m256 offset) {
  return _mm256_cvtps_epi32(_mm256_fmadd_ps(_mm256_castsi256_ps(sums), scale, offset));
}

/** @return what er_avx2_rectify gave, packed to int16, as int8 less the zero point -128 */
static ER_ALWAYS_INLINE __m256i er_avx2_rectified(__m256i a, __m256i b) {
  return _mm256_xor_si256(_mm256_packus_epi16(a, b), _mm256_set1_epi8(-128));
}

/** Store the first `count` of 16 bytes. */
static ER_ALWAYS_INLINE void er_store_bytes(__m128i bytes, int32_t count, int8_t *output) {
  if (count >= 16) {
    _mm_storeu_si128((__m128i *)output, bytes);
    return;
  }
  if (count == 8) {
    _mm_storel_epi64((__m128i *)(void *)output, bytes);
    return;
  }
  int8_t all[16];
  _mm_storeu_si128((__m128i *)all, bytes);
  memcpy(output, all, (size_t)count);
}

/** @return a mask of the first `count` of eight lanes. */
static ER_ALWAYS_INLINE __m256i er_avx2_first(int32_t count) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

#endif
