/* float32 gemm with AVX-512: tiles of 12 rows and 32 units. */
#include "avx512vnni.h"

#define LANES 16
#define ROWS 12
#define EACH_ROW(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11)
#define BLOCK_BYTES (128 * 1024)
#define CHUNK 128

typedef __m512 vector;

static inline vector load(const float *from) { return _mm512_loadu_ps(from); }
static inline void store(float *to, vector v) { _mm512_storeu_ps(to, v); }
static inline vector spread(const float *from) { return _mm512_set1_ps(*from); }
static inline vector multiply_add(vector x, vector w, vector sum) {
  return _mm512_fmadd_ps(x, w, sum);
}

/* The second operand is the result when either is NaN. */
static inline vector bound(vector v, float low, float high) {
  return _mm512_min_ps(_mm512_set1_ps(high), _mm512_max_ps(_mm512_set1_ps(low), v));
}

static inline void store_some(vector v, int32_t units, float *to) {
  const __mmask16 all = 0xFFFF;
  if (units > 0) _mm512_mask_storeu_ps(to, units < LANES ? all >> (LANES - units) : all, v);
}

#include "kernels/avx2/fma_gemm.h"

const er_gemm_f32 er_gemm_f32_avx512 = {
    .name = "gemm_f32_avx512", .unit_step = UNITS, .row_step = ROWS, .run = run};
