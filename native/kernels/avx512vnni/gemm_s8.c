/* int8 gemm with AVX-512 VNNI: tiles of 12 rows and 32 units. */
#include "avx512vnni.h"

#define LANES 16
#define ROWS 12
#define EACH_ROW(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11)

typedef __m512i vector;
typedef er_avx512_range output_range;
#define output_range_of er_avx512_range_of

static inline vector load(const void *from) { return _mm512_loadu_si512(from); }
static inline void store(void *to, vector value) { _mm512_storeu_si512(to, value); }
static inline vector dot(vector sums, vector x, vector w) {
  return _mm512_dpbusd_epi32(sums, x, w);
}
static inline vector spread(const void *from) {
  int32_t value;
  memcpy(&value, from, sizeof value);
  return _mm512_set1_epi32(value);
}
static inline void lift(const int8_t *from, uint8_t *to) {
  store(to, _mm512_xor_si512(load(from), _mm512_set1_epi8(-128)));
}

static inline void store_narrow(vector v, const float *scale, output_range range, int32_t units,
                                int8_t *output) {
  const __m512i least = _mm512_set1_epi32(INT16_MIN); /* so that the zero point cannot wrap */
  v = _mm512_max_epi32(er_avx512_round(v, _mm512_loadu_ps(scale), range.most), least);
  const __m128i bytes = _mm512_cvtsepi32_epi8(
      _mm512_add_epi32(v, _mm512_cvtepi16_epi32(_mm512_castsi512_si256(range.zero_point))));
  const __m128i clamped = _mm_min_epi8(_mm_max_epi8(bytes, _mm256_castsi256_si128(range.low)),
                                       _mm256_castsi256_si128(range.high));
  _mm_mask_storeu_epi8(output, units >= 16 ? 0xFFFF : (__mmask16)((1u << units) - 1), clamped);
}

static inline void store_whole(vector v0, vector v1, const float *scale, output_range range,
                               int32_t units, int8_t *output) {
  v0 = er_avx512_round(v0, _mm512_loadu_ps(scale), range.most);
  v1 = er_avx512_round(v1, _mm512_loadu_ps(scale + LANES), range.most);
  const __m256i bytes = er_avx512_settle(v0, v1, range);
  if (units >= 32) {
    _mm256_storeu_si256((__m256i *)(void *)output, bytes);
  } else {
    _mm256_mask_storeu_epi8(output, (1u << units) - 1, bytes);
  }
}

#include "kernels/avxvnni/vnni_gemm.h"

const er_gemm_s8 er_gemm_s8_avx512vnni = {.name = "gemm_s8_avx512vnni",
                                          .unit_step = UNITS,
                                          .row_step = ROWS,
                                          .packed_bytes = packed_bytes,
                                          .pack = pack,
                                          .run = run,
                                          .sums = sums};
