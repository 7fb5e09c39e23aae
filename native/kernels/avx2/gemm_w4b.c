/* 4-bit block weights with AVX2: weight + 8 is the unsigned factor of vpmaddubsw, the row the
 * signed one. A pair is at most 2 * 15 * 128 in magnitude, so the eight pairs of 32 products fit
 * int16. */
#include "avx2.h"
#include "kernels/w4b_panels.h"

enum { ROWS = 2, CHAIN = 32 };

#define EACH_ROW(DO) DO(0) DO(1)

/* Up to ROWS rows times a panel: units 0..7 and 8..15 in two vectors. */
typedef struct tile {
  const er_gemm_w4b_call *call;
  const er_w4b_panel *panel;
  const int8_t *input;       /* [rows, depth] */
  const er_row_quant *quant; /* [rows] */
  const int32_t *block_sums; /* [rows, blocks] */
  int32_t blocks;
  const float *bias; /* [units], or NULL */
  int32_t units;     /* to store */
  float *output;
} tile;

static ER_ALWAYS_INLINE __m256 load_scale(const uint16_t *halves) {
  const __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128((const void *)halves));
  return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
}

static ER_ALWAYS_INLINE void settle(const tile *t, int32_t row, int32_t first, __m256 sum) {
  const __m256i mask = er_avx2_first(t->units - first);
  float *output = t->output + (int64_t)row * t->call->units + first;
  __m256 value = _mm256_mul_ps(sum, _mm256_set1_ps(t->quant[row].scale));
  if (t->bias) value = _mm256_add_ps(value, _mm256_maskload_ps(t->bias + first, mask));
  /* the second operand is the result where one is NaN */
  value = _mm256_max_ps(_mm256_set1_ps(t->call->low), value);
  value = _mm256_min_ps(_mm256_set1_ps(t->call->high), value);
  _mm256_maskstore_ps(output, mask, value);
}

#define START(r)                                                        \
  __m256 sum##r##0 = k0, sum##r##1 = k1;                                \
  if (rows > r) {                                                       \
    const __m256 zero = _mm256_set1_ps(-(float)t->quant[r].zero_point); \
    sum##r##0 = _mm256_mul_ps(zero, k0);                                \
    sum##r##1 = _mm256_mul_ps(zero, k1);                                \
  }
#define START_BLOCK(r)                                                              \
  __m256i part##r##0 = _mm256_setzero_si256(), part##r##1 = part##r##0;             \
  if (rows > r) {                                                                   \
    part##r##0 = _mm256_set1_epi32(-8 * t->block_sums[(int64_t)r * t->blocks + b]); \
    part##r##1 = part##r##0;                                                        \
  }
#define START_CHAIN(r) __m256i chain##r##0 = _mm256_setzero_si256(), chain##r##1 = chain##r##0;
#define STEP(r)                                                                   \
  if (rows > r) {                                                                 \
    const __m256i xl = er_spread32(x + (int64_t)r * depth);                       \
    const __m256i xh = er_spread32(x + (int64_t)r * depth + 4);                   \
    chain##r##0 = _mm256_add_epi16(chain##r##0, _mm256_maddubs_epi16(low0, xl));  \
    chain##r##0 = _mm256_add_epi16(chain##r##0, _mm256_maddubs_epi16(high0, xh)); \
    chain##r##1 = _mm256_add_epi16(chain##r##1, _mm256_maddubs_epi16(low1, xl));  \
    chain##r##1 = _mm256_add_epi16(chain##r##1, _mm256_maddubs_epi16(high1, xh)); \
  }
#define END_CHAIN(r)                                                                 \
  if (rows > r) {                                                                    \
    part##r##0 = _mm256_add_epi32(part##r##0, _mm256_madd_epi16(chain##r##0, ones)); \
    part##r##1 = _mm256_add_epi32(part##r##1, _mm256_madd_epi16(chain##r##1, ones)); \
  }
#define END_BLOCK(r)                                                                \
  if (rows > r) {                                                                   \
    sum##r##0 = _mm256_fmadd_ps(_mm256_cvtepi32_ps(part##r##0), scale0, sum##r##0); \
    sum##r##1 = _mm256_fmadd_ps(_mm256_cvtepi32_ps(part##r##1), scale1, sum##r##1); \
  }
#define SETTLE(r)               \
  if (rows > r) {               \
    settle(t, r, 0, sum##r##0); \
    settle(t, r, 8, sum##r##1); \
  }

static ER_ALWAYS_INLINE void multiply(const tile *t, const int rows) {
  const int32_t block = t->call->block, depth = t->call->depth;
  const __m256i nibble = _mm256_set1_epi8(15), ones = _mm256_set1_epi16(1);
  const __m256 k0 = _mm256_loadu_ps(t->panel->k), k1 = _mm256_loadu_ps(t->panel->k + 8);
  const er_w4b_block *weights = &t->panel->first;
  const int8_t *x = t->input;
  EACH_ROW(START)
  for (int32_t b = 0; b < t->blocks; b++) {
    const __m256 scale0 = load_scale(weights->scale), scale1 = load_scale(weights->scale + 8);
    const uint8_t *pairs = weights->pairs;
    EACH_ROW(START_BLOCK)
    for (int32_t c = 0; c < block; c += CHAIN) {
      EACH_ROW(START_CHAIN)
      for (int32_t d = 0; d < CHAIN; d += 8, x += 8, pairs += 64) {
        const __m256i pairs0 = _mm256_loadu_si256((const void *)pairs);
        const __m256i pairs1 = _mm256_loadu_si256((const void *)(pairs + 32));
        const __m256i low0 = _mm256_and_si256(pairs0, nibble);
        const __m256i low1 = _mm256_and_si256(pairs1, nibble);
        const __m256i high0 = _mm256_and_si256(_mm256_srli_epi16(pairs0, 4), nibble);
        const __m256i high1 = _mm256_and_si256(_mm256_srli_epi16(pairs1, 4), nibble);
        EACH_ROW(STEP)
      }
      EACH_ROW(END_CHAIN)
    }
    EACH_ROW(END_BLOCK)
    weights = (const void *)((const char *)weights + er_w4b_block_bytes(block));
  }
  EACH_ROW(SETTLE)
}

static void multiply_1(const tile *t) { multiply(t, 1); }
static void multiply_2(const tile *t) { multiply(t, 2); }

/* Panels outside, so that a panel is read from memory once for all rows. */
static void run(const er_gemm_w4b_call *c) {
  const size_t bytes = er_w4b_panel_bytes(c->depth, c->block);
  const int32_t blocks = c->depth / c->block;
  for (int32_t u = c->first; u < c->last; u += ER_W4B_UNITS) {
    const int32_t left = c->last - u;
    tile t = {.call = c, .blocks = blocks, .bias = c->bias ? c->bias + u : NULL};
    t.panel = (const void *)((const char *)c->packed + (size_t)(u / ER_W4B_UNITS) * bytes);
    t.units = left < ER_W4B_UNITS ? left : ER_W4B_UNITS;
    for (int32_t r = 0; r < c->rows; r += ROWS) {
      t.input = c->input + (int64_t)r * c->depth;
      t.quant = c->quant + r;
      t.block_sums = c->block_sums + (int64_t)r * blocks;
      t.output = c->output + (int64_t)r * c->units + u;
      if (c->rows - r >= ROWS) {
        multiply_2(&t);
      } else {
        multiply_1(&t);
      }
    }
  }
}

const er_gemm_w4b er_gemm_w4b_avx2 = {.name = "gemm_w4b_avx2",
                                      .unit_step = ER_W4B_UNITS,
                                      .packed_bytes = er_w4b_packed_bytes,
                                      .pack = er_w4b_pack,
                                      .run = run};
