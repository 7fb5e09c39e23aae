/* float32 gemm with AVX2 and FMA: tiles of 6 rows and 16 units. */
#include "avx2.h"

#define LANES 8
#define ROWS 6
#define EACH_ROW(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5)
#define BLOCK_BYTES (128 * 1024)
#define CHUNK 256

typedef __m256 vector;

static inline vector load(const float *from) { return _mm256_loadu_ps(from); }
static inline void store(float *to, vector v) { _mm256_storeu_ps(to, v); }
static inline vector spread(const float *from) { return _mm256_broadcast_ss(from); }
static inline vector multiply_add(vector x, vector w, vector sum) {
  return _mm256_fmadd_ps(x, w, sum);
}

/* The second operand is the result when either is NaN. */
static inline vector bound(vector v, float low, float high) {
  return _mm256_min_ps(_mm256_set1_ps(high), _mm256_max_ps(_mm256_set1_ps(low), v));
}

static inline void store_some(vector v, int32_t units, float *to) {
  if (units >= LANES) {
    store(to, v);
  } else if (units > 0) {
    float all[LANES];
    store(all, v);
    memcpy(to, all, (size_t)units * sizeof *all);
  }
}

#include "fma_gemm.h"

const er_gemm_f32 er_gemm_f32_avx2 = {
    .name = "gemm_f32_avx2", .unit_step = UNITS, .row_step = ROWS, .run = run};
