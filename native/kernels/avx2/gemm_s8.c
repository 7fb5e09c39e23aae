/* int8 gemm with AVX2. Units come in panels of 8 (a vector of int32 sums), depth in quads. Each quad
 * of a panel is multiplied in one of two ways:
 *
 *   pairs  bytes: row + 128 (unsigned) times weight (signed) with vpmaddubsw, whose int16 sums of
 *          two products saturate. 255 * 128 fits, so a quad is taken so where in each pair neither
 *          the positive nor the negative weights add up to more than 128: then no sum can saturate.
 *          There are three ways to pair four weights; rows are kept in the three orders. Where the
 *          same holds for the weights of several quads together, they are chained: their pairs are
 *          summed in int16 first. Weights of 7 bits nearly always come in chains.
 *   exact  pairs of int16: weights are widened as they are loaded, rows once per tile; vpmaddwd.
 *
 * Depth is cut in chunks, so that a tile of rows and a panel stay in the first-level cache. */
#include "gemm_s8_panel.h"

enum {
  BLOCK = 16, /* panels for which one tile of rows is prepared */
  STRIP = 8   /* tiles whose sums are kept from chunk to chunk of a block */
};

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
  er_s8_counts counts;   /* of this chunk */
  const int8_t *weights; /* of this chunk */
  const uint16_t *at;    /* where in the rows each quad of this chunk is read */
  const int16_t *wide;
  const uint8_t *bytes;
  const int32_t *start; /* the first sums of each row, start_step apart */
  int32_t start_step;   /* 0: all rows begin with the bias */
  int32_t *sums;        /* [ROWS][UNITS] to store; NULL: the result */
  const float *scale;
  er_avx2_range range;
  int32_t units; /* to store */
  int8_t *output;
  int64_t output_stride;
} tile;

#define EACH_ROW(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7)

#define START(r)                          \
  __m256i s##r = _mm256_setzero_si256();  \
  if (rows > r) s##r = _mm256_loadu_si256((const __m256i *)(t->start + r * t->start_step));

#define SUSPEND(r) \
  if (rows > r) _mm256_storeu_si256((__m256i *)(t->sums + r * UNITS), s##r);

/* The products of quad i of a chain. */
#define PAIRS(i, r) _mm256_maddubs_epi16(er_spread32(x##i + r * BYTE_STRIDE), w##i)

/* The empty instruction keeps gcc from reordering what registers then do not do for. */
#define END_CHAIN(r, pairs)                                          \
  s##r = _mm256_add_epi32(s##r, _mm256_madd_epi16(pairs, ones));     \
  __asm__("" : "+x"(s##r));

#define CHAIN_4(r)                                        \
  if (rows > r) {                                         \
    __m256i pairs = PAIRS(0, r);                          \
    pairs = _mm256_add_epi16(pairs, PAIRS(1, r));         \
    __asm__("" : "+x"(pairs));                            \
    pairs = _mm256_add_epi16(pairs, PAIRS(2, r));         \
    __asm__("" : "+x"(pairs));                            \
    pairs = _mm256_add_epi16(pairs, PAIRS(3, r));         \
    __asm__("" : "+x"(pairs));                            \
    END_CHAIN(r, pairs)                                   \
  }

#define CHAIN_2(r)                                                      \
  if (rows > r) {                                                       \
    END_CHAIN(r, _mm256_add_epi16(PAIRS(0, r), PAIRS(1, r)))            \
  }

#define CHAIN_1(r)                 \
  if (rows > r) {                  \
    END_CHAIN(r, PAIRS(0, r))      \
  }

#define EXACT(r)                                                                         \
  if (rows > r) {                                                                        \
    const int16_t *x = wide + r * WIDE_STRIDE;                                           \
    s##r = _mm256_add_epi32(s##r, _mm256_madd_epi16(er_spread32(x), w0));                \
    s##r = _mm256_add_epi32(s##r, _mm256_madd_epi16(er_spread32(x + 2), w1));            \
    __asm__("" : "+x"(s##r));                                                            \
  }

static ER_ALWAYS_INLINE __m256i widened(const int8_t *weights) {
  return _mm256_cvtepi8_epi16(_mm_load_si128((const __m128i *)(const void *)weights));
}

/* Four rows of eight sums as bytes, one row behind the other. */
static ER_ALWAYS_INLINE __m256i settle(__m256i a, __m256i b, __m256i c, __m256i d,
                                       const er_avx2_range *range) {
  const __m256i ab = _mm256_adds_epi16(_mm256_packs_epi32(a, b), range->zero_point);
  const __m256i cd = _mm256_adds_epi16(_mm256_packs_epi32(c, d), range->zero_point);
  __m256i bytes = _mm256_packs_epi16(ab, cd);
  bytes = _mm256_max_epi8(bytes, _mm256_broadcastsi128_si256(range->low));
  bytes = _mm256_min_epi8(bytes, _mm256_broadcastsi128_si256(range->high));
  return _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

static ER_ALWAYS_INLINE void store_rows(const tile *t, __m256i bytes, const int rows,
                                        int8_t *output) {
  if (t->units >= UNITS) {
    const __m128i low = _mm256_castsi256_si128(bytes), high = _mm256_extracti128_si256(bytes, 1);
    _mm_storel_pi((__m64 *)(void *)output, _mm_castsi128_ps(low));
    output += t->output_stride;
    if (rows > 1) _mm_storeh_pi((__m64 *)(void *)output, _mm_castsi128_ps(low));
    output += t->output_stride;
    if (rows > 2) _mm_storel_pi((__m64 *)(void *)output, _mm_castsi128_ps(high));
    output += t->output_stride;
    if (rows > 3) _mm_storeh_pi((__m64 *)(void *)output, _mm_castsi128_ps(high));
    return;
  }
  int8_t all[4][UNITS];
  _mm256_storeu_si256((__m256i *)(void *)all, bytes);
  for (int32_t r = 0; r < rows; r++) {
    memcpy(output + r * t->output_stride, all[r], (size_t)t->units);
  }
}

#define ROUND(r) rows > r ? er_avx2_round(s##r, scale, t->range.most) : s##r

/* rows is a constant, so that all sums are registers. */
static ER_ALWAYS_INLINE void multiply(const tile *t, const int rows) {
  EACH_ROW(START)
  const __m256i ones = _mm256_set1_epi16(1);
  const __m256i *w = (const __m256i *)(const void *)t->weights;
  const uint16_t *at = t->at;
  for (int32_t n = 0; n < t->counts.fours; n++, w += 4, at += 4) {
    const uint8_t *x0 = t->bytes + at[0], *x1 = t->bytes + at[1];
    const uint8_t *x2 = t->bytes + at[2], *x3 = t->bytes + at[3];
    const __m256i w0 = w[0], w1 = w[1], w2 = w[2], w3 = w[3];
    EACH_ROW(CHAIN_4)
  }
  for (int32_t n = 0; n < t->counts.twos; n++, w += 2, at += 2) {
    const uint8_t *x0 = t->bytes + at[0], *x1 = t->bytes + at[1];
    const __m256i w0 = w[0], w1 = w[1];
    EACH_ROW(CHAIN_2)
  }
  for (int32_t n = 0; n < t->counts.ones; n++, w++, at++) {
    const uint8_t *x0 = t->bytes + at[0];
    const __m256i w0 = w[0];
    EACH_ROW(CHAIN_1)
  }
  for (int32_t n = 0; n < t->counts.exact; n++, w++, at++) {
    const int16_t *wide = t->wide + at[0];
    const __m256i w0 = widened((const int8_t *)w), w1 = widened((const int8_t *)w + 16);
    EACH_ROW(EXACT)
  }
  if (t->sums) {
    EACH_ROW(SUSPEND)
    return;
  }
  const __m256 scale = _mm256_loadu_ps(t->scale);
  store_rows(t, settle(ROUND(0), ROUND(1), ROUND(2), ROUND(3), &t->range), rows, t->output);
  if (rows <= 4) return;
  store_rows(t, settle(ROUND(4), ROUND(5), ROUND(6), ROUND(7), &t->range), rows - 4,
             t->output + 4 * t->output_stride);
}

#define KERNEL(r) \
  static void rows_##r(const tile *t) { multiply(t, (r) + 1); }
EACH_ROW(KERNEL)

#define NAME(r) rows_##r,
static void (*const kernels[ROWS])(const tile *t) = {EACH_ROW(NAME)};

/* ---- the whole product ----------------------------------------------------------------------- */

/* Sums of one tile, from chunk to chunk. */
typedef int32_t tile_sums[ROWS * UNITS];

/* One chunk of the depth of some rows and units. */
typedef struct part {
  const er_gemm_s8_call *call;
  int32_t *plain; /* [rows][units of the call]; NULL: the result goes to the call's output */
  int64_t plain_stride;
  int32_t row, rows;       /* of a tile */
  int32_t first, last;     /* units */
  int32_t depth, width;    /* the chunk's first, and how much */
  bool is_first, is_last;  /* chunk */
} part;

static void store_plain(const part *p, int32_t unit, const int32_t *sums) {
  const int32_t units = p->last - unit < UNITS ? p->last - unit : UNITS;
  int32_t *to = p->plain + p->row * p->plain_stride + unit - p->call->first;
  for (int32_t r = 0; r < p->rows; r++, sums += UNITS, to += p->plain_stride) {
    memcpy(to, sums, (size_t)units * sizeof *to);
  }
}

/* @param sums [panels of the part] */
static void multiply_tile(const part *p, tile_rows *prepared, tile_sums *sums) {
  const er_gemm_s8_call *c = p->call;
  const int8_t *input = c->input + p->row * c->input_stride + p->depth;
  int8_t *output = p->plain ? NULL : c->output + p->row * c->output_stride;
  tile t = {.wide = prepared->wide,
            .bytes = prepared->bytes,
            .range = er_avx2_range_of(c->range),
            .output_stride = c->output_stride};
  int32_t lifted = 0;
  bool is_widened = false;
  for (int32_t unit = p->first; unit < p->last; unit += UNITS, sums++) {
    const er_s8_panel *panel = er_s8_panel_at(c->packed, unit, c->depth);
    t.counts = er_s8_counts_of(panel)[p->depth / CHUNK];
    t.at = er_s8_places(panel, c->depth) + p->depth / QUAD;
    t.weights = er_s8_weights(panel, c->depth) + (int64_t)p->depth * UNITS;
    t.start = p->is_first ? panel->bias : *sums;
    t.start_step = p->is_first ? 0 : UNITS;
    t.sums = p->is_last && !p->plain ? NULL : *sums;
    t.scale = panel->scale;
    t.units = p->last - unit;
    if (!p->plain) t.output = output + unit;
    if (t.counts.orders > lifted) {
      lifted = t.counts.orders;
      lift(input, c->input_stride, p->rows, p->width, lifted, prepared->bytes);
    }
    if (t.counts.exact > 0 && !is_widened) {
      widen(input, c->input_stride, p->rows, p->width, prepared->wide);
      is_widened = true;
    }
    kernels[p->rows - 1](&t);
    if (p->plain && p->is_last) store_plain(p, unit, *sums);
  }
}

/* Rows [first, last), at most STRIP tiles, times the units of a block. Chunk by chunk, so that each
 * weight is read from afar but once. */
static void multiply_strip(part *p, int32_t first, int32_t last, tile_rows *prepared) {
  tile_sums sums[STRIP][BLOCK];
  const int32_t depth = er_s8_padded(p->call->depth);
  const int32_t tiles = (last - first + ROWS - 1) / ROWS; /* of nearly equal height */
  for (p->depth = 0; p->depth < depth; p->depth += CHUNK) {
    p->width = depth - p->depth < CHUNK ? depth - p->depth : CHUNK;
    p->is_first = p->depth == 0;
    p->is_last = p->depth + CHUNK >= depth;
    for (int32_t i = 0; i < tiles; i++) {
      p->row = first + (last - first) * i / tiles;
      p->rows = first + (last - first) * (i + 1) / tiles - p->row;
      multiply_tile(p, prepared, sums[i]);
    }
  }
}

static void multiply_all(const er_gemm_s8_call *c, int32_t *plain, int64_t plain_stride) {
  tile_rows prepared;
  const int32_t strips = (c->rows + STRIP * ROWS - 1) / (STRIP * ROWS);
  part p = {.call = c, .plain = plain, .plain_stride = plain_stride};
  for (p.first = c->first; p.first < c->last; p.first = p.last) {
    p.last = c->last - p.first < BLOCK * UNITS ? c->last : p.first + BLOCK * UNITS;
    for (int32_t i = 0; i < strips; i++) {
      const int32_t row = (int32_t)((int64_t)c->rows * i / strips);
      const int32_t next = (int32_t)((int64_t)c->rows * (i + 1) / strips);
      multiply_strip(&p, row, next, &prepared);
    }
  }
}

static void run(const er_gemm_s8_call *c) { multiply_all(c, NULL, 0); }

static void sums(const er_gemm_s8_call *c, int32_t *to, int64_t stride) {
  multiply_all(c, to, stride);
}

const er_gemm_s8 er_gemm_s8_avx2 = {.name = "gemm_s8_avx2",
                                    .unit_step = UNITS,
                                    .row_step = ROWS,
                                    .packed_bytes = er_s8_packed_bytes,
                                    .pack = er_s8_pack,
                                    .run = run,
                                    .sums = sums};
