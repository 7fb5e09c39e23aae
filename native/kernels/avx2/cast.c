/* The conversions that models have most, by loops that the compiler turns into vectors. */
#include "avx2.h"
#include "kernels/compare.h"

/* An expression of x. */
#define CONVERT(name, from, to, expression)                                   \
  static void name(int64_t count, const void *input, void *restrict output) { \
    const from *in = input;                                                   \
    to *out = output;                                                         \
    for (int64_t i = 0; i < count; i++) {                                     \
      const from x = in[i];                                                   \
      out[i] = (expression);                                                  \
    }                                                                         \
  }

CONVERT(int32_to_float, int32_t, float, (float)x)
CONVERT(int8_to_float, int8_t, float, (float)x)
CONVERT(uint8_to_float, uint8_t, float, (float)x)
CONVERT(bool_to_float, uint8_t, float, x != 0 ? 1.0f : 0.0f)
CONVERT(bool_to_int32, uint8_t, int32_t, x != 0)
CONVERT(int64_to_int32, int64_t, int32_t, (int32_t)(uint32_t)(uint64_t)x)
CONVERT(int32_to_int64, int32_t, int64_t, x)

/* vcvttps2dq gives INT32_MIN for all that does not fit; turned over it is INT32_MAX. */
static void float_to_int32(int64_t count, const void *input, void *restrict output) {
  const float *in = input;
  int32_t *out = output;
  for (int64_t i = 0; i < count; i += 8) {
    const __m256i some = er_avx2_first(count - i < 8 ? (int32_t)(count - i) : 8);
    const __m256 x = _mm256_maskload_ps(in + i, some);
    const __m256 above = _mm256_cmp_ps(x, _mm256_set1_ps(0x1p31f), _CMP_GE_OQ);
    const __m256 number = _mm256_cmp_ps(x, x, _CMP_ORD_Q);
    const __m256i turned = _mm256_xor_si256(_mm256_cvttps_epi32(x), _mm256_castps_si256(above));
    _mm256_maskstore_epi32(out + i, some, _mm256_and_si256(turned, _mm256_castps_si256(number)));
  }
}

static const struct conversion {
  edgert_type from, to;
  void (*run)(int64_t count, const void *input, void *restrict output);
} conversions[] = {
    {EDGERT_INT32, EDGERT_FLOAT32, int32_to_float}, {EDGERT_INT8, EDGERT_FLOAT32, int8_to_float},
    {EDGERT_UINT8, EDGERT_FLOAT32, uint8_to_float}, {EDGERT_BOOL, EDGERT_FLOAT32, bool_to_float},
    {EDGERT_BOOL, EDGERT_INT32, bool_to_int32},     {EDGERT_INT64, EDGERT_INT32, int64_to_int32},
    {EDGERT_INT32, EDGERT_INT64, int32_to_int64},   {EDGERT_FLOAT32, EDGERT_INT32, float_to_int32},
};

void er_cast_avx2(int64_t count, edgert_type from, const void *input, edgert_type to,
                  void *output) {
  for (size_t i = 0; i < sizeof conversions / sizeof *conversions; i++) {
    if (conversions[i].from != from || conversions[i].to != to) continue;
    conversions[i].run(count, input, output);
    return;
  }
  er_cast(count, from, input, to, output);
}
