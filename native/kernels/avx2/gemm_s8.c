/* int8 gemm with AVX2. Units come in panels of 16 (two vectors of int32 sums). A panel is packed in
 * one of two forms:
 *
 *   exact  pairs of int16: weights are widened as they are loaded, rows once per tile; vpmaddwd
 *   pairs  bytes: row + 128 (unsigned) times weight (signed) with vpmaddubsw, whose int16 sums of
 * two products saturate. 255 * 128 fits, so the form is taken where in each pair neither the
 *          positive nor the negative weights add up to more than 128: then no sum can saturate.
 *
 * Depth is cut in chunks, so that a tile of rows and a panel stay in the first-level cache. */
#include "avx2.h"

enum {
  ROWS = 6,
  UNITS = 16,
  NARROW = 8, /* units of a panel of one vector, the last one of a layer */
  QUAD = 4,   /* depth is padded to this */
  CHUNK = 1024,
  BLOCK = 16,               /* panels for which one tile of rows is prepared */
  BLOCK_BYTES = 128 * 1024, /* and that stay in the second-level cache */
  WIDE_STRIDE = CHUNK + 32, /* int16s from row to row; no multiple of 4096 bytes */
  BYTE_STRIDE = CHUNK + 64,
  SAFE = 128 /* 255 * 128 <= 32767, -255 * 128 >= -32768 */
};

/* What a panel begins with; the weights follow. Slot order is that of the registers. */
typedef struct panel {
  int32_t bias[UNITS];
  float scale[UNITS];
  int32_t pairs; /* which form */
  int32_t unused[15];
  int8_t weights[]; /* exact: [depth / 2][width][2]; pairs: [depth / 4][width][4] */
} panel;

/* ---- packing --------------------------------------------------------------------------------- */

static int32_t padded(int32_t depth) { return (depth + QUAD - 1) / QUAD * QUAD; }

static size_t panel_bytes(int32_t depth) {
  const size_t bytes = sizeof(panel) + (size_t)padded(depth) * UNITS;
  return (bytes + 63) / 64 * 64;
}

static size_t packed_bytes(int32_t units, int32_t depth) {
  return ((size_t)units + UNITS - 1) / UNITS * panel_bytes(depth);
}

/* Which unit of a panel a slot holds: saturating packs then bring bytes in order. */
static int32_t unit_of_slot(int32_t width, int32_t slot) {
  return width == NARROW ? slot : slot % 8 / 4 * 8 + slot / 8 * 4 + slot % 4;
}

static bool is_safe_pair(int32_t a, int32_t b) {
  const int32_t up = (a > 0 ? a : 0) + (b > 0 ? b : 0);
  const int32_t down = (a < 0 ? a : 0) + (b < 0 ? b : 0);
  return up <= SAFE && down >= -SAFE;
}

static bool are_safe(const int8_t *weights, int64_t count, int32_t depth) {
  for (int64_t row = 0; row < count; row++, weights += depth) {
    for (int32_t d = 0; d + 1 < depth; d += 2) {
      if (!is_safe_pair(weights[d], weights[d + 1])) return false;
    }
  }
  return true;
}

/* @param row [depth] of one unit  @param width units of the panel  @param step 2 or 4 */
static void spread_weights(const int8_t *row, int32_t depth, int32_t width, int32_t step,
                           int32_t slot, int8_t *to) {
  for (int32_t d = 0; d < depth; d++) to[(d / step * width + slot) * step + d % step] = row[d];
}

static void pack_panel(const er_weights_s8 *weights, int32_t first, panel *to) {
  const int32_t left = weights->units - first, count = left < UNITS ? left : UNITS;
  const int32_t width = left <= NARROW ? NARROW : UNITS;
  const int64_t start = (int64_t)first * weights->depth;
  to->pairs = are_safe(weights->values + start, count, weights->depth);
  for (int32_t slot = 0; slot < width; slot++) {
    const int32_t unit = unit_of_slot(width, slot);
    if (unit >= count) continue;
    const int64_t at = start + (int64_t)unit * weights->depth;
    er_weights_s8 shifted = *weights; /* the form with pairs reads x + 128 */
    shifted.input_zero_point += to->pairs ? 128 : 0;
    to->bias[slot] = er_bias_less_zero_point(&shifted, first + unit, at, 1);
    to->scale[slot] = weights->scale[first + unit];
    spread_weights(weights->values + at, weights->depth, width, to->pairs ? 4 : 2, slot,
                   to->weights);
  }
}

static void pack(const er_weights_s8 *weights, void *packed) {
  char *to = packed;
  for (int32_t u = 0; u < weights->units; u += UNITS, to += panel_bytes(weights->depth)) {
    pack_panel(weights, u, (panel *)(void *)to);
  }
}

/* ---- rows of a tile -------------------------------------------------------------------------- */

typedef struct tile_rows {
  int16_t wide[ROWS * WIDE_STRIDE];
  uint8_t bytes[ROWS * BYTE_STRIDE];
  bool has_wide, has_bytes;
} tile_rows;

static void widen(const int8_t *input, int64_t stride, int32_t rows, int32_t depth, int16_t *to) {
  for (int32_t r = 0; r < rows; r++, input += stride, to += WIDE_STRIDE) {
    for (int32_t d = 0; d < depth; d += 16) {
      const __m128i bytes = _mm_loadu_si128((const __m128i *)(input + d));
      _mm256_storeu_si256((__m256i *)(to + d), _mm256_cvtepi8_epi16(bytes));
    }
  }
}

static void lift(const int8_t *input, int64_t stride, int32_t rows, int32_t depth, uint8_t *to) {
  const __m256i top = _mm256_set1_epi8(-128);
  for (int32_t r = 0; r < rows; r++, input += stride, to += BYTE_STRIDE) {
    for (int32_t d = 0; d < depth; d += 32) {
      const __m256i bytes = _mm256_loadu_si256((const __m256i *)(input + d));
      _mm256_storeu_si256((__m256i *)(to + d), _mm256_xor_si256(bytes, top));
    }
  }
}

/* ---- a tile of rows times a panel ------------------------------------------------------------ */

typedef struct tile {
  const panel *panel;
  const int8_t *weights; /* of this chunk */
  const int16_t *wide;
  const uint8_t *bytes;
  int32_t depth; /* of this chunk, a multiple of QUAD */
  bool first, last;
  int32_t *sums; /* [ROWS][UNITS], kept between chunks */
  er_avx2_range range;
  int32_t units; /* to store */
  int8_t *output;
  int64_t output_stride;
} tile;

#define EACH_ROW(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5)

#define DECLARE(r) __m256i s##r##0 = bias0, s##r##1 = bias1;

#define RESUME(r)                                                                              \
  if (rows > r) {                                                                              \
    s##r##0 = _mm256_loadu_si256((const __m256i *)(t->sums + r * UNITS));                      \
    if (vectors > 1) s##r##1 = _mm256_loadu_si256((const __m256i *)(t->sums + r * UNITS + 8)); \
  }

#define SUSPEND(r)                                                                       \
  if (rows > r) {                                                                        \
    _mm256_storeu_si256((__m256i *)(t->sums + r * UNITS), s##r##0);                      \
    if (vectors > 1) _mm256_storeu_si256((__m256i *)(t->sums + r * UNITS + 8), s##r##1); \
  }

#define MADD_WIDE(r)                                                                \
  if (rows > r) {                                                                   \
    const __m256i x = er_spread32(wide + r * WIDE_STRIDE);                          \
    s##r##0 = _mm256_add_epi32(s##r##0, _mm256_madd_epi16(x, w0));                  \
    if (vectors > 1) s##r##1 = _mm256_add_epi32(s##r##1, _mm256_madd_epi16(x, w1)); \
  }

#define MADD_BYTES(r)                                                                              \
  if (rows > r) {                                                                                  \
    const __m256i x = er_spread32(bytes + r * BYTE_STRIDE);                                        \
    s##r##0 = _mm256_add_epi32(s##r##0, _mm256_madd_epi16(_mm256_maddubs_epi16(x, w[0]), ones));   \
    if (vectors > 1) {                                                                             \
      s##r##1 = _mm256_add_epi32(s##r##1, _mm256_madd_epi16(_mm256_maddubs_epi16(x, w[1]), ones)); \
    }                                                                                              \
  }

#define STORE(r)                                                                 \
  if (rows > r) {                                                                \
    s##r##0 = er_avx2_round(s##r##0, scale0, t->range.most);                     \
    if (vectors > 1) s##r##1 = er_avx2_round(s##r##1, scale1, t->range.most);    \
    store_units(t, vectors, s##r##0, s##r##1, t->output + r * t->output_stride); \
  }

static ER_ALWAYS_INLINE void store_units(const tile *t, const int vectors, __m256i v0, __m256i v1,
                                         int8_t *output) {
  if (vectors == 1) { /* eight units in order: bring them to the slots of a full panel */
    v1 = _mm256_permute2x128_si256(v0, v0, 1);
  }
  const __m128i bytes = er_avx2_settle(v0, v1, t->range);
  er_store_bytes(bytes, t->units, output);
}

/* rows and vectors are constants, so that all sums are registers. */
static ER_ALWAYS_INLINE void multiply(const tile *t, const int rows, const int vectors,
                                      const bool pairs) {
  const int32_t *bias = t->panel->bias;
  const __m256i bias0 = _mm256_loadu_si256((const __m256i *)bias);
  const __m256i bias1 = _mm256_loadu_si256((const __m256i *)(bias + 8));
  EACH_ROW(DECLARE)
  if (!t->first) {
    EACH_ROW(RESUME)
  }
  if (pairs) {
    const __m256i ones = _mm256_set1_epi16(1);
    const uint8_t *bytes = t->bytes;
    const __m256i *w = (const __m256i *)(const void *)t->weights;
    for (int32_t d = 0; d < t->depth; d += 4, bytes += 4, w += vectors) {
      EACH_ROW(MADD_BYTES)
    }
  } else {
    const int16_t *wide = t->wide;
    const int8_t *weights = t->weights;
    for (int32_t d = 0; d < t->depth; d += 2, wide += 2, weights += 16 * vectors) {
      const __m256i w0 =
          _mm256_cvtepi8_epi16(_mm_load_si128((const __m128i *)(const void *)weights));
      __m256i w1 = w0;
      if (vectors > 1) {
        w1 = _mm256_cvtepi8_epi16(_mm_load_si128((const __m128i *)(const void *)(weights + 16)));
      }
      EACH_ROW(MADD_WIDE)
    }
  }
  if (!t->last) {
    EACH_ROW(SUSPEND)
    return;
  }
  const __m256 scale0 = _mm256_loadu_ps(t->panel->scale),
               scale1 = _mm256_loadu_ps(t->panel->scale + 8);
  EACH_ROW(STORE)
}

#define KERNEL(rows)                                                            \
  static void exact_##rows##x16(const tile *t) { multiply(t, rows, 2, false); } \
  static void exact_##rows##x8(const tile *t) { multiply(t, rows, 1, false); }  \
  static void pairs_##rows##x16(const tile *t) { multiply(t, rows, 2, true); }  \
  static void pairs_##rows##x8(const tile *t) { multiply(t, rows, 1, true); }
KERNEL(1)
KERNEL(2)
KERNEL(3)
KERNEL(4)
KERNEL(5)
KERNEL(6)

typedef void (*kernel)(const tile *t);

#define KERNELS(rows)                                                              \
  {                                                                                \
    {exact_##rows##x8, exact_##rows##x16}, { pairs_##rows##x8, pairs_##rows##x16 } \
  }
static const kernel kernels[ROWS][2][2] = {KERNELS(1), KERNELS(2), KERNELS(3),
                                           KERNELS(4), KERNELS(5), KERNELS(6)};

/* ---- the whole product ----------------------------------------------------------------------- */

static const panel *panel_at(const er_gemm_s8_call *c, int32_t unit) {
  return (const panel *)(const void *)((const char *)c->packed +
                                       (size_t)(unit / UNITS) * panel_bytes(c->depth));
}

static void prepare_rows(const er_gemm_s8_call *c, const int8_t *input, int32_t rows, int32_t depth,
                         bool pairs, tile_rows *to) {
  bool *done = pairs ? &to->has_bytes : &to->has_wide;
  if (*done) return;
  *done = true;
  if (pairs) {
    lift(input, c->input_stride, rows, depth, to->bytes);
  } else {
    widen(input, c->input_stride, rows, depth, to->wide);
  }
}

/* Rows [row, row + rows) times the panels of units [first, last), chunk by chunk of the depth. */
static void multiply_tile(const er_gemm_s8_call *c, int32_t row, int32_t rows, int32_t first,
                          int32_t last, tile_rows *prepared) {
  int32_t sums[BLOCK][ROWS * UNITS];
  const int32_t depth = padded(c->depth);
  tile t = {.range = er_avx2_range_of(c->range),
            .wide = prepared->wide,
            .bytes = prepared->bytes,
            .output_stride = c->output_stride};
  for (int32_t d = 0; d < depth; d += CHUNK) {
    prepared->has_wide = prepared->has_bytes = false;
    t.depth = depth - d < CHUNK ? depth - d : CHUNK;
    t.first = d == 0;
    t.last = d + CHUNK >= depth;
    for (int32_t unit = first; unit < last; unit += UNITS) {
      t.panel = panel_at(c, unit);
      const bool wide = c->units - unit > NARROW, pairs = t.panel->pairs;
      prepare_rows(c, c->input + row * c->input_stride + d, rows, t.depth, pairs, prepared);
      t.weights = t.panel->weights + (int64_t)d * (wide ? UNITS : NARROW);
      t.units = last - unit < UNITS ? last - unit : UNITS;
      t.sums = sums[(unit - first) / UNITS];
      t.output = c->output + row * c->output_stride + unit;
      kernels[rows - 1][pairs][wide](&t);
    }
  }
}

static int32_t units_of_block(int32_t depth) {
  const size_t panels = BLOCK_BYTES / panel_bytes(depth);
  return UNITS * (panels < 1 ? 1 : panels > BLOCK ? BLOCK : (int32_t)panels);
}

static void run(const er_gemm_s8_call *c) {
  tile_rows prepared;
  const int32_t block = units_of_block(c->depth);
  for (int32_t unit = c->first; unit < c->last; unit += block) {
    const int32_t end = c->last - unit < block ? c->last : unit + block;
    for (int32_t row = 0; row < c->rows; row += ROWS) {
      const int32_t rows = c->rows - row < ROWS ? c->rows - row : ROWS;
      multiply_tile(c, row, rows, unit, end, &prepared);
    }
  }
}

const er_gemm_s8 er_gemm_s8_avx2 = {.name = "gemm_s8_avx2",
                                    .unit_step = UNITS,
                                    .row_step = ROWS,
                                    .packed_bytes = packed_bytes,
                                    .pack = pack,
                                    .run = run};
