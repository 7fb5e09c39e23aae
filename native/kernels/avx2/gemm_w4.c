/* int8 gemm with 4-bit weights and AVX2. Weights are kept as w + 8, unsigned, so that vpmaddubsw
 * takes them first and the signed row second: |pair| <= 2 * 15 * 128, and eight pairs fit int16.
 * What the lift by 8 adds is 8 times the sum of the row. */
#include "avx2.h"

enum {
  ROWS = 6,
  UNITS = 16,
  NARROW = 8, /* units of a panel of one vector, the last one of a layer */
  QUAD = 4,
  CHAIN = 8, /* quads whose pairs are summed in int16: 8 * 3840 <= 32767 */
  LIFT = 8,
  BLOCK_BYTES = 128 * 1024
};

/* Slot order is that of the registers. */
typedef struct panel {
  int32_t bias[UNITS];
  float scale[UNITS];
  uint8_t weights[]; /* [depth / 4][width][4]: w + 8; 0 behind the depth */
} panel;

static int32_t quads_of(int32_t depth) { return (depth + QUAD - 1) / QUAD; }

static size_t panel_bytes(int32_t depth) {
  return (sizeof(panel) + (size_t)quads_of(depth) * QUAD * UNITS + 63) / 64 * 64;
}

static size_t packed_bytes(int32_t units, int32_t depth) {
  return ((size_t)units + UNITS - 1) / UNITS * panel_bytes(depth);
}

static int32_t unit_of_slot(int32_t width, int32_t slot) {
  return width == NARROW ? slot : slot % 8 / 4 * 8 + slot / 8 * 4 + slot % 4;
}

static void pack_panel(const er_weights_s8 *weights, int32_t first, panel *to) {
  const int32_t left = weights->units - first, width = left <= NARROW ? NARROW : UNITS;
  for (int32_t slot = 0; slot < width; slot++) {
    const int32_t unit = unit_of_slot(width, slot);
    if (unit >= left) continue;
    const int64_t at = (int64_t)(first + unit) * weights->depth;
    to->bias[slot] = er_bias_less_zero_point(weights, first + unit, at, 1);
    to->scale[slot] = weights->scale[first + unit];
    for (int32_t d = 0; d < weights->depth; d++) {
      to->weights[((int64_t)(d / QUAD) * width + slot) * QUAD + d % QUAD] =
          (uint8_t)(weights->values[at + d] + LIFT);
    }
  }
}

static void pack(const er_weights_s8 *weights, void *packed) {
  char *to = packed;
  for (int32_t u = 0; u < weights->units; u += UNITS, to += panel_bytes(weights->depth)) {
    pack_panel(weights, u, (panel *)(void *)to);
  }
}

/* ---- a tile of rows times a panel ------------------------------------------------------------ */

typedef struct tile {
  const panel *panel;
  const int8_t *input;
  int64_t input_stride;
  int32_t quads;
  int32_t lift[ROWS]; /* 8 * sum of each row */
  er_avx2_range range;
  int32_t units; /* to store */
  int8_t *output;
  int64_t output_stride;
} tile;

#define EACH_ROW(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5)

#define START(r)                                                      \
  if (rows > r) {                                                     \
    const __m256i lift = _mm256_set1_epi32(t->lift[r]);               \
    sums[2 * r] = _mm256_sub_epi32(bias0, lift);                      \
    if (vectors > 1) sums[2 * r + 1] = _mm256_sub_epi32(bias1, lift); \
  }

#define CLEAR(r) __m256i s##r##0 = zero, s##r##1 = zero;

#define MADD(r)                                                                        \
  if (rows > r) {                                                                      \
    const __m256i x = er_spread32(input + r * stride);                                 \
    s##r##0 = _mm256_add_epi16(s##r##0, _mm256_maddubs_epi16(w0, x));                  \
    if (vectors > 1) s##r##1 = _mm256_add_epi16(s##r##1, _mm256_maddubs_epi16(w1, x)); \
    __asm__("" : "+x"(s##r##0), "+x"(s##r##1));                                        \
  }

#define FLUSH(r)                                                                             \
  if (rows > r) {                                                                            \
    sums[2 * r] = _mm256_add_epi32(sums[2 * r], _mm256_madd_epi16(s##r##0, ones));           \
    if (vectors > 1) {                                                                       \
      sums[2 * r + 1] = _mm256_add_epi32(sums[2 * r + 1], _mm256_madd_epi16(s##r##1, ones)); \
    }                                                                                        \
  }

#define STORE(r)                                                                                  \
  if (rows > r) {                                                                                 \
    const __m256i v0 = er_avx2_round(sums[2 * r], scale0, t->range.most);                         \
    const __m256i v1 = vectors > 1 ? er_avx2_round(sums[2 * r + 1], scale1, t->range.most)        \
                                   : _mm256_permute2x128_si256(v0, v0, 1);                        \
    er_store_bytes(er_avx2_settle(v0, v1, t->range), t->units, t->output + r * t->output_stride); \
  }

/* Up to CHAIN quads in int16, which then go to the int32 sums in memory. */
static ER_ALWAYS_INLINE void add_chain(const int8_t *input, int64_t stride, const __m256i *w,
                                       int32_t quads, const int rows, const int vectors,
                                       __m256i *sums) {
  const __m256i zero = _mm256_setzero_si256(), ones = _mm256_set1_epi16(1);
  EACH_ROW(CLEAR)
  for (int32_t q = 0; q < quads; q++, input += QUAD, w += vectors) {
    const __m256i w0 = w[0], w1 = vectors > 1 ? w[1] : w0;
    EACH_ROW(MADD)
  }
  EACH_ROW(FLUSH)
  __asm__ volatile("" : : "r"(sums) : "memory"); /* keeps the int32 sums out of the registers */
}

/* rows and vectors are constants, so that all int16 sums are registers. */
static ER_ALWAYS_INLINE void multiply(const tile *t, const int rows, const int vectors) {
  __m256i sums[2 * ROWS];
  const __m256i bias0 = _mm256_loadu_si256((const __m256i *)t->panel->bias);
  const __m256i bias1 = _mm256_loadu_si256((const __m256i *)(t->panel->bias + 8));
  EACH_ROW(START)
  const int8_t *input = t->input;
  const __m256i *w = (const __m256i *)(const void *)t->panel->weights;
  int32_t q = 0;
  for (; q + CHAIN <= t->quads; q += CHAIN, input += CHAIN * QUAD, w += CHAIN * vectors) {
    add_chain(input, t->input_stride, w, CHAIN, rows, vectors, sums);
  }
  if (q < t->quads) add_chain(input, t->input_stride, w, t->quads - q, rows, vectors, sums);
  const __m256 scale0 = _mm256_loadu_ps(t->panel->scale);
  const __m256 scale1 = _mm256_loadu_ps(t->panel->scale + 8);
  EACH_ROW(STORE)
}

#define KERNEL(r)                                                    \
  static void narrow_##r(const tile *t) { multiply(t, (r) + 1, 1); } \
  static void whole_##r(const tile *t) { multiply(t, (r) + 1, 2); }
EACH_ROW(KERNEL)

#define KERNELS(r) {narrow_##r, whole_##r},
static void (*const kernels[ROWS][2])(const tile *t) = {EACH_ROW(KERNELS)};

/* ---- the whole product ----------------------------------------------------------------------- */

static int32_t row_sum(const int8_t *row, int32_t depth) {
  const __m256i ones = _mm256_set1_epi8(1), wide_ones = _mm256_set1_epi16(1);
  __m256i sums = _mm256_setzero_si256();
  int32_t d = 0;
  for (; d + 32 <= depth; d += 32) {
    const __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)(row + d));
    const __m256i pairs = _mm256_maddubs_epi16(ones, x);
    sums = _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, wide_ones));
  }
  int32_t total = er_add_lanes(sums);
  for (; d < depth; d++) total += row[d];
  return total;
}

static void multiply_rows(const er_gemm_s8_call *c, int32_t row, int32_t rows, int32_t first,
                          int32_t last, const int32_t *row_sums) {
  tile t = {.input = c->input + row * c->input_stride,
            .input_stride = c->input_stride,
            .quads = quads_of(c->depth),
            .range = er_avx2_range_of(c->range),
            .output_stride = c->output_stride};
  for (int32_t r = 0; r < rows; r++) t.lift[r] = LIFT * row_sums[r];
  const char *packed = c->packed;
  for (int32_t unit = first; unit < last; unit += UNITS) {
    t.panel = (const panel *)(const void *)(packed + unit / UNITS * panel_bytes(c->depth));
    t.units = last - unit < UNITS ? last - unit : UNITS;
    t.output = c->output + row * c->output_stride + unit;
    kernels[rows - 1][c->units - unit > NARROW](&t);
  }
}

static int32_t units_of_block(int32_t depth) {
  const size_t panels = BLOCK_BYTES / panel_bytes(depth);
  return UNITS * (panels < 1 ? 1 : (int32_t)panels);
}

static void run(const er_gemm_s8_call *c) {
  const int32_t block = units_of_block(c->depth);
  const int32_t tiles = (c->rows + ROWS - 1) / ROWS; /* of nearly equal height */
  for (int64_t unit = c->first; unit < c->last; unit += block) {
    const int64_t end = c->last - unit < block ? c->last : unit + block;
    for (int32_t i = 0; i < tiles; i++) {
      const int32_t row = (int32_t)((int64_t)c->rows * i / tiles);
      const int32_t next = (int32_t)((int64_t)c->rows * (i + 1) / tiles);
      int32_t sums[ROWS];
      for (int32_t r = row; r < next; r++) {
        sums[r - row] = row_sum(c->input + r * c->input_stride, c->depth);
      }
      multiply_rows(c, row, next - row, (int32_t)unit, (int32_t)end, sums);
    }
  }
}

const er_gemm_s8 er_gemm_w4_avx2 = {.name = "gemm_w4_avx2",
                                    .unit_step = UNITS,
                                    .row_step = ROWS,
                                    .packed_bytes = packed_bytes,
                                    .pack = pack,
                                    .run = run};
