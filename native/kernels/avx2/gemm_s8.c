/* int8 gemm with AVX2. Units come in panels of 16 (two vectors of int32 sums), depth in quads. Each
 * quad of a panel is multiplied in one of two ways:
 *
 *   pairs  bytes: row + 128 (unsigned) times weight (signed) with vpmaddubsw, whose int16 sums of
 * two products saturate. 255 * 128 fits, so a quad is taken so where in each pair neither the
 *          positive nor the negative weights add up to more than 128: then no sum can saturate.
 * There are three ways to pair four weights; rows are kept in the three orders. exact  pairs of
 * int16: weights are widened as they are loaded, rows once per tile; vpmaddwd.
 *
 * Depth is cut in chunks, so that a tile of rows and a panel stay in the first-level cache. */
#include "gemm_s8_panel.h"

enum { BLOCK = 16 /* panels for which one tile of rows is prepared */ };

/* ---- rows of a tile -------------------------------------------------------------------------- */

typedef struct tile_rows {
  int16_t wide[ROWS * WIDE_STRIDE];
  uint8_t bytes[ORDERS * ORDER_BYTES];
} tile_rows;

static void widen(const int8_t *input, int64_t stride, int32_t rows, int32_t depth, int16_t *to) {
  for (int32_t r = 0; r < rows; r++, input += stride, to += WIDE_STRIDE) {
    for (int32_t d = 0; d < depth; d += 16) {
      const __m128i bytes = _mm_loadu_si128((const __m128i *)(input + d));
      _mm256_storeu_si256((__m256i *)(to + d), _mm256_cvtepi8_epi16(bytes));
    }
  }
}

/* Add 128, and keep the bytes of each quad in `orders` orders. */
static ER_ALWAYS_INLINE void lift_row(const int8_t *input, int32_t depth, const int32_t orders,
                                      uint8_t *to) {
  const __m256i top = _mm256_set1_epi8(-128);
  const __m256i order1 = er_quad_order(1), order2 = er_quad_order(2);
  for (int32_t d = 0; d < depth; d += 32) {
    const __m256i x = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(input + d)), top);
    _mm256_storeu_si256((__m256i *)(to + d), x);
    if (orders == 1) continue;
    _mm256_storeu_si256((__m256i *)(to + d + ORDER_BYTES), _mm256_shuffle_epi8(x, order1));
    _mm256_storeu_si256((__m256i *)(to + d + 2 * ORDER_BYTES), _mm256_shuffle_epi8(x, order2));
  }
}

static void lift(const int8_t *input, int64_t stride, int32_t rows, int32_t depth, int32_t orders,
                 uint8_t *to) {
  for (int32_t r = 0; r < rows; r++, input += stride, to += BYTE_STRIDE) {
    if (orders == 1) {
      lift_row(input, depth, 1, to);
    } else {
      lift_row(input, depth, ORDERS, to);
    }
  }
}

/* ---- a tile of rows times a panel ------------------------------------------------------------ */

typedef struct tile {
  const er_s8_panel *panel;
  const int8_t *weights; /* of this chunk */
  const uint16_t *at;    /* where in the rows each quad of this chunk is read */
  int32_t quads;         /* of this chunk */
  int32_t safe;          /* the first ones, multiplied in pairs of bytes */
  const int16_t *wide;
  const uint8_t *bytes;
  bool first, last;
  bool plain;    /* the sums are the result */
  int32_t *sums; /* [ROWS][UNITS], kept between chunks, or the result in slot order */
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

/* The empty instructions keep gcc from reordering what registers then do not do for. */
#define KEEP(r) __asm__("" : "+x"(s##r##0), "+x"(s##r##1));

#define MADD_BYTES(r)                                                                              \
  if (rows > r) {                                                                                  \
    const __m256i x = er_spread32(bytes + r * BYTE_STRIDE);                                        \
    s##r##0 = _mm256_add_epi32(s##r##0, _mm256_madd_epi16(_mm256_maddubs_epi16(x, w[0]), ones));   \
    if (vectors > 1) {                                                                             \
      s##r##1 = _mm256_add_epi32(s##r##1, _mm256_madd_epi16(_mm256_maddubs_epi16(x, w[1]), ones)); \
    }                                                                                              \
    KEEP(r)                                                                                        \
  }

#define MADD_WIDE(r)                                                                \
  if (rows > r) {                                                                   \
    const __m256i x = er_spread32(wide + r * WIDE_STRIDE);                          \
    s##r##0 = _mm256_add_epi32(s##r##0, _mm256_madd_epi16(x, w0));                  \
    if (vectors > 1) s##r##1 = _mm256_add_epi32(s##r##1, _mm256_madd_epi16(x, w1)); \
    KEEP(r)                                                                         \
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
  er_store_bytes(er_avx2_settle(v0, v1, t->range), t->units, output);
}

static ER_ALWAYS_INLINE __m256i widened(const int8_t *weights) {
  return _mm256_cvtepi8_epi16(_mm_load_si128((const __m128i *)(const void *)weights));
}

/* rows and vectors are constants, so that all sums are registers. */
static ER_ALWAYS_INLINE void multiply(const tile *t, const int rows, const int vectors) {
  const int32_t *bias = t->panel->bias;
  const __m256i bias0 = _mm256_loadu_si256((const __m256i *)bias);
  const __m256i bias1 = _mm256_loadu_si256((const __m256i *)(bias + 8));
  EACH_ROW(DECLARE)
  if (!t->first) {
    EACH_ROW(RESUME)
  }
  const __m256i ones = _mm256_set1_epi16(1);
  const __m256i *w = (const __m256i *)(const void *)t->weights;
  int32_t q = 0;
  for (; q < t->safe; q++, w += vectors) {
    const uint8_t *bytes = t->bytes + t->at[q];
    EACH_ROW(MADD_BYTES)
  }
  const int8_t *weights = (const int8_t *)w;
  for (; q < t->quads; q++) {
    const int16_t *wide = t->wide + t->at[q];
    {
      const __m256i w0 = widened(weights), w1 = vectors > 1 ? widened(weights + 16) : w0;
      EACH_ROW(MADD_WIDE)
    }
    wide += 2, weights += 16 * vectors;
    {
      const __m256i w0 = widened(weights), w1 = vectors > 1 ? widened(weights + 16) : w0;
      EACH_ROW(MADD_WIDE)
    }
    weights += 16 * vectors;
  }
  if (!t->last || t->plain) {
    EACH_ROW(SUSPEND)
    return;
  }
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

/* Rows [row, row + rows) times the panels of units [first, last), chunk by chunk of the depth. */
static void multiply_tile(const er_gemm_s8_call *c, er_plain_sums plain, int32_t row, int32_t rows,
                          int32_t first, int32_t last, tile_rows *prepared) {
  int32_t sums[BLOCK][ROWS * UNITS];
  const int32_t depth = er_s8_padded(c->depth);
  tile t = {.range = er_avx2_range_of(c->range),
            .wide = prepared->wide,
            .bytes = prepared->bytes,
            .output_stride = c->output_stride,
            .plain = plain.to != NULL};
  for (int32_t d = 0; d < depth; d += CHUNK) {
    const int8_t *input = c->input + row * c->input_stride + d;
    const int32_t width = depth - d < CHUNK ? depth - d : CHUNK;
    bool is_widened = false, is_lifted = false;
    t.quads = width / QUAD;
    t.first = d == 0;
    t.last = d + CHUNK >= depth;
    for (int32_t unit = first; unit < last; unit += UNITS) {
      const bool whole = c->units - unit > NARROW;
      t.panel = er_s8_panel_at(c->packed, unit, c->depth);
      t.safe = er_s8_safe(t.panel)[d / CHUNK];
      t.at = er_s8_places(t.panel, c->depth) + d / QUAD;
      t.weights = er_s8_weights(t.panel, c->depth) + (int64_t)d * (whole ? UNITS : NARROW);
      t.units = last - unit < UNITS ? last - unit : UNITS;
      t.sums = sums[(unit - first) / UNITS];
      if (!plain.to) t.output = c->output + row * c->output_stride + unit;
      if (t.safe > 0 && !is_lifted) {
        lift(input, c->input_stride, rows, width, er_s8_orders(c->units), prepared->bytes);
        is_lifted = true;
      }
      if (t.safe < t.quads && !is_widened) {
        widen(input, c->input_stride, rows, width, prepared->wide);
        is_widened = true;
      }
      kernels[rows - 1][whole](&t);
      if (plain.to && t.last) {
        er_store_tile(LANES, whole, t.sums, rows, t.units,
                      plain.to + row * plain.stride + unit - c->first, plain.stride);
      }
    }
  }
}

static int32_t units_of_block(int32_t depth) {
  const size_t panels = BLOCK_BYTES / er_s8_panel_bytes(depth);
  return UNITS * (panels < 1 ? 1 : panels > BLOCK ? BLOCK : (int32_t)panels);
}

static void multiply_all(const er_gemm_s8_call *c, er_plain_sums plain) {
  tile_rows prepared;
  const int32_t block = units_of_block(c->depth);
  const int32_t tiles = (c->rows + ROWS - 1) / ROWS; /* of nearly equal height */
  for (int32_t unit = c->first; unit < c->last; unit += block) {
    const int32_t end = c->last - unit < block ? c->last : unit + block;
    for (int32_t i = 0; i < tiles; i++) {
      const int32_t row = (int32_t)((int64_t)c->rows * i / tiles);
      const int32_t next = (int32_t)((int64_t)c->rows * (i + 1) / tiles);
      multiply_tile(c, plain, row, next - row, unit, end, &prepared);
    }
  }
}

static void run(const er_gemm_s8_call *c) { multiply_all(c, (er_plain_sums){NULL, 0}); }

static void sums(const er_gemm_s8_call *c, int32_t *to, int64_t stride) {
  multiply_all(c, (er_plain_sums){to, stride});
}

const er_gemm_s8 er_gemm_s8_avx2 = {.name = "gemm_s8_avx2",
                                    .unit_step = UNITS,
                                    .row_step = ROWS,
                                    .packed_bytes = er_s8_packed_bytes,
                                    .pack = er_s8_pack,
                                    .run = run,
                                    .sums = sums};
