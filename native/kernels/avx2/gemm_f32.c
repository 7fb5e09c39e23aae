/* float32 gemm with AVX2 and FMA: tiles of 6 rows and 16 units. Units are packed in panels
 * [bias, then depth][16]. Panels of a block stay in the second-level cache while rows go by; a
 * panel that is too deep for that is cut in chunks, each in the first-level cache for many rows. */
#include "avx2.h"

enum {
  ROWS = 6,
  UNITS = 16,
  BLOCK_BYTES = 128 * 1024,
  CHUNK = 256, /* depth */
  STRIP = 16   /* tiles whose sums are kept from chunk to chunk */
};

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
  const float *start;   /* [UNITS] the bias, or [ROWS][UNITS] sums so far */
  int32_t start_step;   /* from row to row */
  const float *weights; /* [depth][UNITS] */
  const float *ahead;   /* what to fetch meanwhile, for weights come from afar */
  int32_t ahead_step;   /* for each of depth */
  const float *input;
  int64_t input_stride;
  int32_t depth;
  float *sums; /* [ROWS][UNITS] to store; NULL: the result */
  float low, high;
  int32_t units; /* to store */
  float *output;
  int64_t output_stride;
} tile;

/* NaN stays NaN: the second operand is the result when either is one. */
static ER_ALWAYS_INLINE __m256 bound(__m256 value, __m256 low, __m256 high) {
  return _mm256_min_ps(high, _mm256_max_ps(low, value));
}

static ER_ALWAYS_INLINE void store_units(const tile *t, __m256 s0, __m256 s1, float *output) {
  const __m256 low = _mm256_set1_ps(t->low), high = _mm256_set1_ps(t->high);
  s0 = bound(s0, low, high), s1 = bound(s1, low, high);
  if (t->units >= UNITS) {
    _mm256_storeu_ps(output, s0);
    _mm256_storeu_ps(output + 8, s1);
    return;
  }
  float all[UNITS];
  _mm256_storeu_ps(all, s0);
  _mm256_storeu_ps(all + 8, s1);
  memcpy(output, all, (size_t)t->units * sizeof *all);
}

#define EACH_ROW(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5)
#define DECLARE(r)                                                                     \
  const float *start##r = t->start + (rows > r ? r : 0) * t->start_step;               \
  __m256 s##r##0 = _mm256_loadu_ps(start##r), s##r##1 = _mm256_loadu_ps(start##r + 8); \
  const float *x##r = rows > r ? t->input + r * t->input_stride : t->input;
#define MADD(r)                                     \
  if (rows > r) {                                   \
    const __m256 x = _mm256_broadcast_ss(x##r + d); \
    s##r##0 = _mm256_fmadd_ps(x, w0, s##r##0);      \
    s##r##1 = _mm256_fmadd_ps(x, w1, s##r##1);      \
  }
#define STORE(r) \
  if (rows > r) store_units(t, s##r##0, s##r##1, t->output + r * t->output_stride);

#define SUSPEND(r)                                      \
  if (rows > r) {                                       \
    _mm256_storeu_ps(t->sums + r * UNITS, s##r##0);     \
    _mm256_storeu_ps(t->sums + r * UNITS + 8, s##r##1); \
  }

/* rows is a constant, so that all sums are registers. */
static ER_ALWAYS_INLINE void multiply(const tile *t, const int rows) {
  EACH_ROW(DECLARE)
  const float *w = t->weights;
  const int64_t depth = t->depth;
  const float *ahead = t->ahead;
  const int64_t ahead_step = t->ahead_step;
  for (int64_t d = 0; d < depth; d++, w += UNITS, ahead += ahead_step) {
    _mm_prefetch((const char *)ahead, _MM_HINT_T0);
    const __m256 w0 = _mm256_loadu_ps(w), w1 = _mm256_loadu_ps(w + 8);
    EACH_ROW(MADD)
  }
  if (t->sums) {
    EACH_ROW(SUSPEND)
  } else {
    EACH_ROW(STORE)
  }
}

static void multiply_1(const tile *t) { multiply(t, 1); }
static void multiply_2(const tile *t) { multiply(t, 2); }
static void multiply_3(const tile *t) { multiply(t, 3); }
static void multiply_4(const tile *t) { multiply(t, 4); }
static void multiply_5(const tile *t) { multiply(t, 5); }
static void multiply_6(const tile *t) { multiply(t, 6); }

static void (*const kernels[ROWS])(const tile *t) = {multiply_1, multiply_2, multiply_3,
                                                     multiply_4, multiply_5, multiply_6};

static tile tile_of(const er_gemm_f32_call *c) {
  return (tile){.input_stride = c->input_stride,
                .depth = c->depth,
                .low = c->low,
                .high = c->high,
                .output_stride = c->output_stride};
}

/* Point a tile to its panel and to its part of the output. */
static void place(const er_gemm_f32_call *c, int64_t row, int64_t unit, tile *t) {
  t->start = (const float *)c->packed + unit / UNITS * (int64_t)panel_floats(c->depth);
  t->start_step = 0;
  t->weights = t->start + UNITS;
  t->ahead = t->weights + CHUNK * UNITS;
  t->ahead_step = UNITS;
  t->input = c->input + row * c->input_stride;
  t->units = c->last - unit < UNITS ? (int32_t)(c->last - unit) : UNITS;
  t->output = c->output + row * c->output_stride + unit;
}

static void run_blocks(const er_gemm_f32_call *c, int32_t panels) {
  const int64_t block = (int64_t)panels * UNITS;
  tile t = tile_of(c);
  for (int64_t first = c->first; first < c->last; first += block) {
    const int64_t end = c->last - first < block ? c->last : first + block;
    for (int32_t row = 0; row < c->rows; row += ROWS) {
      const int32_t rows = c->rows - row < ROWS ? c->rows - row : ROWS;
      for (int64_t unit = first; unit < end; unit += UNITS) {
        place(c, row, unit, &t);
        kernels[rows - 1](&t);
      }
    }
  }
}

/* Rows [first, last), a strip, times one deep panel. */
static void run_strip(const er_gemm_f32_call *c, int64_t unit, int32_t first, int32_t last) {
  float sums[STRIP][ROWS * UNITS];
  const int32_t tiles = (last - first + ROWS - 1) / ROWS;
  tile t = tile_of(c);
  for (int64_t d = 0; d < c->depth; d += CHUNK) {
    t.depth = c->depth - d < CHUNK ? (int32_t)(c->depth - d) : CHUNK;
    for (int32_t row = first; row < last; row += ROWS) {
      float *own = sums[(row - first) / ROWS];
      place(c, row, unit, &t);
      t.weights += d * UNITS;
      t.ahead_step = (UNITS + tiles - 1) / tiles; /* a part of the next chunk for each tile */
      t.ahead = t.weights + CHUNK * UNITS + (row - first) / ROWS * t.ahead_step * CHUNK;
      t.input += d;
      if (d > 0) t.start = own, t.start_step = UNITS;
      t.sums = d + CHUNK < c->depth ? own : NULL;
      kernels[(last - row < ROWS ? last - row : ROWS) - 1](&t);
    }
  }
}

static void run(const er_gemm_f32_call *c) {
  const size_t panels = BLOCK_BYTES / (panel_floats(c->depth) * sizeof(float));
  if (panels > 0) {
    run_blocks(c, (int32_t)panels);
    return;
  }
  for (int64_t unit = c->first; unit < c->last; unit += UNITS) {
    for (int32_t row = 0; row < c->rows; row += STRIP * ROWS) {
      run_strip(c, unit, row, c->rows - row < STRIP * ROWS ? c->rows : row + STRIP * ROWS);
    }
  }
}

const er_gemm_f32 er_gemm_f32_avx2 = {.name = "gemm_f32_avx2",
                                      .unit_step = UNITS,
                                      .row_step = ROWS,
                                      .packed_bytes = packed_bytes,
                                      .pack = pack,
                                      .run = run};
