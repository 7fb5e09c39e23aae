/* float32 gemm with AVX-512: tiles of 12 rows and 32 units. Units are packed in panels
 * [bias, then depth][32]. */
#include "avx512vnni.h"

enum { ROWS = 12, LANES = 16, UNITS = 2 * LANES, BLOCK_BYTES = 256 * 1024, AHEAD = 4096 };

static size_t panel_floats(int32_t depth) { return ((size_t)depth + 1) * UNITS; }

static size_t packed_bytes(int32_t units, int32_t depth) {
  return ((size_t)units + UNITS - 1) / UNITS * panel_floats(depth) * sizeof(float);
}

static void pack(int32_t units, int32_t depth, const float *values, const float *bias,
                 void *packed) {
  float *to = packed;
  for (int32_t first = 0; first < units; first += UNITS, to += panel_floats(depth)) {
    const int32_t count = units - first < UNITS ? units - first : UNITS;
    for (int32_t u = 0; u < count; u++) {
      const float *row = values + (int64_t)(first + u) * depth;
      to[u] = bias ? bias[first + u] : 0.0f;
      for (int32_t d = 0; d < depth; d++) to[((int64_t)d + 1) * UNITS + u] = row[d];
    }
  }
}

typedef struct tile {
  const float *panel;
  const float *input;
  int64_t input_stride;
  int32_t depth;
  float low, high;
  int32_t units; /* to store */
  float *output;
  int64_t output_stride;
} tile;

static __mmask16 mask_of(int32_t units) {
  return units >= LANES ? 0xFFFF : units > 0 ? (__mmask16)((1u << units) - 1) : 0;
}

/* NaN stays NaN: the second operand is the result when either is one. */
static ER_ALWAYS_INLINE __m512 bound(const tile *t, __m512 value) {
  const __m512 raised = _mm512_max_ps(_mm512_set1_ps(t->low), value);
  return _mm512_min_ps(_mm512_set1_ps(t->high), raised);
}

#define EACH_ROW(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11)
#define DECLARE(r)                         \
  __m512 s##r##0 = bias0, s##r##1 = bias1; \
  const float *x##r = rows > r ? t->input + r * t->input_stride : t->input;
#define MADD(r)                                                 \
  if (rows > r) {                                               \
    const __m512 x = _mm512_set1_ps(x##r[d]);                   \
    s##r##0 = _mm512_fmadd_ps(x, w0, s##r##0);                  \
    if (vectors > 1) s##r##1 = _mm512_fmadd_ps(x, w1, s##r##1); \
  }
#define STORE(r)                                                                       \
  if (rows > r) {                                                                      \
    float *to = t->output + r * t->output_stride;                                      \
    _mm512_mask_storeu_ps(to, mask_of(t->units), bound(t, s##r##0));                   \
    if (vectors > 1) {                                                                 \
      _mm512_mask_storeu_ps(to + LANES, mask_of(t->units - LANES), bound(t, s##r##1)); \
    }                                                                                  \
  }

/* rows and vectors are constants, so that all sums are registers. */
static ER_ALWAYS_INLINE void multiply(const tile *t, const int rows, const int vectors) {
  const float *w = t->panel;
  const __m512 bias0 = _mm512_loadu_ps(w), bias1 = _mm512_loadu_ps(w + LANES);
  EACH_ROW(DECLARE)
  const int64_t depth = t->depth;
  for (int64_t d = 0; d < depth; d++) {
    w += UNITS;
    _mm_prefetch((const char *)w + AHEAD, _MM_HINT_T0);
    _mm_prefetch((const char *)w + AHEAD + 64, _MM_HINT_T0);
    const __m512 w0 = _mm512_loadu_ps(w), w1 = _mm512_loadu_ps(w + LANES);
    EACH_ROW(MADD)
  }
  EACH_ROW(STORE)
}

#define KERNEL(r)                                                    \
  static void narrow_##r(const tile *t) { multiply(t, (r) + 1, 1); } \
  static void whole_##r(const tile *t) { multiply(t, (r) + 1, 2); }
EACH_ROW(KERNEL)

#define KERNELS(r) {narrow_##r, whole_##r},
static void (*const kernels[ROWS][2])(const tile *t) = {EACH_ROW(KERNELS)};

static int32_t units_of_block(int32_t depth) {
  const size_t panels = BLOCK_BYTES / (panel_floats(depth) * sizeof(float));
  return UNITS * (panels < 1 ? 1 : (int32_t)panels);
}

static void multiply_rows(const er_gemm_f32_call *c, int32_t row, int32_t rows, int64_t first,
                          int64_t last) {
  tile t = {.input = c->input + row * c->input_stride,
            .input_stride = c->input_stride,
            .depth = c->depth,
            .low = c->low,
            .high = c->high,
            .output_stride = c->output_stride};
  for (int64_t unit = first; unit < last; unit += UNITS) {
    t.panel = (const float *)c->packed + unit / UNITS * (int64_t)panel_floats(c->depth);
    t.units = (int32_t)(last - unit);
    t.output = c->output + row * c->output_stride + unit;
    kernels[rows - 1][t.units > LANES](&t);
  }
}

static void run(const er_gemm_f32_call *c) {
  const int64_t block = units_of_block(c->depth);
  const int32_t tiles = (c->rows + ROWS - 1) / ROWS; /* of nearly equal height */
  for (int64_t first = c->first; first < c->last; first += block) {
    const int64_t last = c->last - first < block ? c->last : first + block;
    for (int32_t i = 0; i < tiles; i++) {
      const int32_t row = (int32_t)((int64_t)c->rows * i / tiles);
      const int32_t next = (int32_t)((int64_t)c->rows * (i + 1) / tiles);
      multiply_rows(c, row, next - row, first, last);
    }
  }
}

const er_gemm_f32 er_gemm_f32_avx512 = {.name = "gemm_f32_avx512",
                                        .unit_step = UNITS,
                                        .row_step = ROWS,
                                        .packed_bytes = packed_bytes,
                                        .pack = pack,
                                        .run = run};
