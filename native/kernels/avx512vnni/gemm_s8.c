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

#define store_narrow er_avx512_store_one
#define store_whole er_avx512_store_pair

#include "kernels/avxvnni/vnni_gemm.h"

const er_gemm_s8 er_gemm_s8_avx512vnni = {.name = "gemm_s8_avx512vnni",
                                          .unit_step = UNITS,
                                          .row_step = ROWS,
                                          .packed_bytes = packed_bytes,
                                          .pack = pack,
                                          .run = run,
                                          .sums = sums};
