/* int8 gemm with AVX-VNNI: tiles of 6 rows and 16 units. */
#include "kernels/avx2/avx2.h"
#include "kernels/layers.h"

#define LANES 8
#define ROWS 6
#define EACH_ROW(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5)

typedef __m256i vector;
typedef er_avx2_range output_range;
#define output_range_of er_avx2_range_of
#define spread er_spread32

static inline vector load(const void *from) { return _mm256_loadu_si256(from); }
static inline void store(void *to, vector value) { _mm256_storeu_si256(to, value); }
static inline vector dot(vector sums, vector x, vector w) {
  return _mm256_dpbusd_avx_epi32(sums, x, w);
}
static inline void lift(const int8_t *from, uint8_t *to) {
  store(to, _mm256_xor_si256(load(from), _mm256_set1_epi8(-128)));
}

static inline void store_whole(vector v0, vector v1, const float *scale, output_range range,
                               int32_t units, int8_t *output) {
  v0 = er_avx2_round(v0, _mm256_loadu_ps(scale), range.most);
  v1 = er_avx2_round(v1, _mm256_loadu_ps(scale + LANES), range.most);
  er_store_bytes(er_avx2_settle(v0, v1, range), units, output);
}

/* Eight units in order: swapped halves as the second vector make them the first eight bytes. */
static inline void store_narrow(vector v, const float *scale, output_range range, int32_t units,
                                int8_t *output) {
  v = er_avx2_round(v, _mm256_loadu_ps(scale), range.most);
  er_store_bytes(er_avx2_settle(v, _mm256_permute2x128_si256(v, v, 1), range), units, output);
}

#include "vnni_gemm.h"

static const er_gemm_s8 gemm = {.name = "gemm_s8_avxvnni",
                                .unit_step = UNITS,
                                .row_step = ROWS,
                                .packed_bytes = packed_bytes,
                                .pack = pack,
                                .run = run,
                                .sums = sums};

void er_add_avxvnni(er_kernels *kernels) {
  kernels->gemm_s8 = gemm;
  kernels->gemm_sums = gemm;
  kernels->gemm_w4 = gemm; /* bytes: unpacking nibbles costs more than it saves */
}
