/* 4-bit block weights with AVX-512 VNNI: weight + 8 is the unsigned factor, the row the signed one;
 * -8 times the block's sum of the row is where a sum starts. */
#include "avx512vnni.h"
#include "kernels/w4b_panels.h"

enum { ROWS = 4 };

#define EACH_ROW(DO) DO(0) DO(1) DO(2) DO(3)

/* Up to ROWS rows times a panel. */
typedef struct tile {
  const er_gemm_w4b_call *call;
  const er_w4b_panel *panel;
  const int8_t *input;       /* [rows, depth] */
  const er_row_quant *quant; /* [rows] */
  const int32_t *block_sums; /* [rows, blocks] */
  int32_t blocks;
  const float *bias; /* [units to store], or NULL */
  __mmask16 units;   /* to store */
  float *output;
} tile;

static inline __m512i spread(const int8_t *from) {
  int32_t value;
  memcpy(&value, from, sizeof value);
  return _mm512_set1_epi32(value);
}

static inline __m512 load_scale(const er_w4b_block *block) {
  const __m512i halves = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const void *)block->scale));
  return _mm512_castsi512_ps(_mm512_slli_epi32(halves, 16));
}

static inline void settle(const tile *t, int32_t row, __m512 sum) {
  __m512 value = _mm512_mul_ps(sum, _mm512_set1_ps(t->quant[row].scale));
  if (t->bias) value = _mm512_add_ps(value, _mm512_maskz_loadu_ps(t->units, t->bias));
  /* the second operand is the result where one is NaN */
  value = _mm512_max_ps(_mm512_set1_ps(t->call->low), value);
  value = _mm512_min_ps(_mm512_set1_ps(t->call->high), value);
  _mm512_mask_storeu_ps(t->output + (int64_t)row * t->call->units, t->units, value);
}

#define START(r)                                                               \
  __m512 sum##r = k;                                                           \
  if (rows > r) {                                                              \
    sum##r = _mm512_mul_ps(_mm512_set1_ps(-(float)t->quant[r].zero_point), k); \
  }
/* Two sums a row: one would wait for itself. */
#define START_BLOCK(r)                                         \
  __m512i part##r = _mm512_setzero_si512(), more##r = part##r; \
  if (rows > r) part##r = _mm512_set1_epi32(-8 * t->block_sums[(int64_t)r * t->blocks + b]);
#define STEP(r)                                                                       \
  if (rows > r) {                                                                     \
    part##r = _mm512_dpbusd_epi32(part##r, low, spread(x + (int64_t)r * depth));      \
    more##r = _mm512_dpbusd_epi32(more##r, high, spread(x + (int64_t)r * depth + 4)); \
  }
#define END_BLOCK(r)                                                      \
  if (rows > r) {                                                         \
    part##r = _mm512_add_epi32(part##r, more##r);                         \
    sum##r = _mm512_fmadd_ps(_mm512_cvtepi32_ps(part##r), scale, sum##r); \
  }
#define SETTLE(r) \
  if (rows > r) settle(t, r, sum##r);

static ER_ALWAYS_INLINE void multiply(const tile *t, const int rows) {
  const int32_t block = t->call->block, depth = t->call->depth;
  const __m512i nibble = _mm512_set1_epi8(15);
  const __m512 k = _mm512_loadu_ps(t->panel->k);
  const er_w4b_block *weights = &t->panel->first;
  const int8_t *x = t->input;
  EACH_ROW(START)
  for (int32_t b = 0; b < t->blocks; b++) {
    const __m512 scale = load_scale(weights);
    EACH_ROW(START_BLOCK)
    for (int32_t d = 0; d < block; d += 8, x += 8) {
      const __m512i pairs = _mm512_loadu_si512(weights->pairs + (int64_t)d * (ER_W4B_UNITS / 2));
      const __m512i low = _mm512_and_si512(pairs, nibble);
      const __m512i high = _mm512_and_si512(_mm512_srli_epi16(pairs, 4), nibble);
      EACH_ROW(STEP)
    }
    EACH_ROW(END_BLOCK)
    weights = (const void *)((const char *)weights + er_w4b_block_bytes(block));
  }
  EACH_ROW(SETTLE)
}

static void multiply_1(const tile *t) { multiply(t, 1); }
static void multiply_2(const tile *t) { multiply(t, 2); }
static void multiply_3(const tile *t) { multiply(t, 3); }
static void multiply_4(const tile *t) { multiply(t, 4); }

static void (*const multiply_rows[ROWS])(const tile *t) = {multiply_1, multiply_2, multiply_3,
                                                           multiply_4};

/* Panels outside, so that a panel is read from memory once for all rows. */
static void run(const er_gemm_w4b_call *c) {
  const size_t bytes = er_w4b_panel_bytes(c->depth, c->block);
  const int32_t blocks = c->depth / c->block;
  for (int32_t u = c->first; u < c->last; u += ER_W4B_UNITS) {
    const int32_t left = c->last - u;
    tile t = {.call = c, .blocks = blocks, .bias = c->bias ? c->bias + u : NULL};
    t.panel = (const void *)((const char *)c->packed + (size_t)(u / ER_W4B_UNITS) * bytes);
    t.units = left < ER_W4B_UNITS ? (__mmask16)((1u << left) - 1) : (__mmask16)0xFFFF;
    for (int32_t r = 0; r < c->rows; r += ROWS) {
      t.input = c->input + (int64_t)r * c->depth;
      t.quant = c->quant + r;
      t.block_sums = c->block_sums + (int64_t)r * blocks;
      t.output = c->output + (int64_t)r * c->units + u;
      multiply_rows[c->rows - r < ROWS ? c->rows - r - 1 : ROWS - 1](&t);
    }
  }
}

const er_gemm_w4b er_gemm_w4b_avx512vnni = {.name = "gemm_w4b_avx512vnni",
                                            .unit_step = ER_W4B_UNITS,
                                            .packed_bytes = er_w4b_packed_bytes,
                                            .pack = er_w4b_pack,
                                            .run = run};
