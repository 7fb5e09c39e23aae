/* int8 gemm with AVX2. Units come in panels of 8 (a vector of int32 sums), depth in quads. Each
 * quad of a panel is multiplied in one of two ways:
 *
 *   pairs  bytes: row + 128 (unsigned) times weight (signed) with vpmaddubsw, whose int16 sums of
 *          two products saturate. 255 * 128 fits, so a quad is taken so where in each pair neither
 *          the positive nor the negative weights add up to more than 128: then no sum can saturate.
 *          There are three ways to pair four weights; rows are kept in the three orders. Where
 *          that is too few and the depth little, a panel brings the rows into an order of its own
 *          (gemm_s8_order.c). Where the same holds for the weights of several quads together, they
 *          are chained: their pairs are summed in int16 first. Weights of 7 bits nearly always
 *          come in chains.
 *   exact  pairs of int16: weights are widened as they are loaded, rows once per tile; vpmaddwd.
 *
 * Depth is cut in chunks, so that a tile of rows and a panel stay in the first-level cache. */
#include "gemm_s8_panel.h"

enum {
  LINE = 64,         /* bytes of a cache */
  LEAST_PANELS = 16, /* for which one tile of rows is prepared */
  MOST_PANELS = 64,
  BLOCK_BYTES = 128 * 1024, /* panels that stay in the second-level cache */
  MOST_SUMS = 128           /* tiles times panels whose sums are kept from chunk to chunk */
};

/* ---- rows of a tile -------------------------------------------------------------------------- */

typedef struct tile_rows {
  int16_t wide[ROWS * WIDE_STRIDE];
  uint8_t bytes[(ORDERS + 1) * ORDER_BYTES]; /* last the order of the panel at hand */
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

/* ---- a tile of rows times a block of panels -------------------------------------------------- */

typedef int32_t tile_sums[ROWS * UNITS];

/* What becomes of the sums of a tile: they are kept, or stored as bytes. In the common cases no
 * product is too large for int32 and nothing is clamped but by packing. */
enum finish { KEEP, PACK, RECTIFY_AND_PACK, BOUND_AND_PACK };

/* One chunk of the depth of some panels. */
typedef struct block {
  const char *panels;
  size_t panel_bytes;
  size_t counts_at, places_at, weights_at; /* in a panel, of this chunk */
  size_t order_at;
  bool is_first, is_last; /* chunk */
  enum finish finish;
  size_t ahead_at; /* from a panel to what to fetch meanwhile */
  int32_t ahead_lines;
  int32_t units;
  int32_t start; /* added to the biases */
  int32_t depth; /* of the call */
  tile_rows *rows;
  tile_sums *sums; /* of each panel, from chunk to chunk */
  er_avx2_range range;
  int8_t *output; /* of the first panel */
  int64_t output_stride;
} block;

#define EACH_ROW(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7)

#define START(r) __m256i s##r = bias;

#define RESUME(r) \
  if (rows > r) s##r = _mm256_loadu_si256((const __m256i *)(sums + r * UNITS));

#define SUSPEND(r) \
  if (rows > r) _mm256_storeu_si256((__m256i *)(sums + r * UNITS), s##r);

/* The products of quad i of a chain. */
#define PAIRS(i, r) _mm256_maddubs_epi16(er_spread32(x##i + r * BYTE_STRIDE), w##i)

/* The empty instruction keeps gcc from reordering what registers then do not do for. */
#define END_CHAIN(r, pairs)                                      \
  s##r = _mm256_add_epi32(s##r, _mm256_madd_epi16(pairs, ones)); \
  __asm__("" : "+x"(s##r));

#define ADD_PAIRS(i, r)                         \
  pairs = _mm256_add_epi16(pairs, PAIRS(i, r)); \
  __asm__("" : "+x"(pairs));

/* Quad i of a long chain, for four rows at a time: each weight is loaded for these. */
#define PAIRS_OF_4(DO, i, a, b, c, d)   \
  {                                     \
    const uint8_t *x##i = x + i * QUAD; \
    const __m256i w##i = w[i];          \
    DO(i, a) DO(i, b) DO(i, c) DO(i, d) \
  }

#define SET_ROW(i, r) \
  if (rows > r) pairs##r = PAIRS(i, r);

#define ADD_ROW(i, r)                                   \
  if (rows > r) {                                       \
    pairs##r = _mm256_add_epi16(pairs##r, PAIRS(i, r)); \
    __asm__("" : "+x"(pairs##r));                       \
  }

#define END_ROW(r)         \
  if (rows > r) {          \
    END_CHAIN(r, pairs##r) \
  }

#define CHAIN_LONG(a, b, c, d)                                    \
  if (rows > a) {                                                 \
    __m256i pairs##a, pairs##b, pairs##c, pairs##d;               \
    __asm__("" : "+r"(w)); /* weights do not stay in registers */ \
    PAIRS_OF_4(SET_ROW, 0, a, b, c, d)                            \
    PAIRS_OF_4(ADD_ROW, 1, a, b, c, d)                            \
    PAIRS_OF_4(ADD_ROW, 2, a, b, c, d)                            \
    PAIRS_OF_4(ADD_ROW, 3, a, b, c, d)                            \
    PAIRS_OF_4(ADD_ROW, 4, a, b, c, d)                            \
    PAIRS_OF_4(ADD_ROW, 5, a, b, c, d)                            \
    PAIRS_OF_4(ADD_ROW, 6, a, b, c, d)                            \
    PAIRS_OF_4(ADD_ROW, 7, a, b, c, d)                            \
    PAIRS_OF_4(ADD_ROW, 8, a, b, c, d)                            \
    PAIRS_OF_4(ADD_ROW, 9, a, b, c, d)                            \
    PAIRS_OF_4(ADD_ROW, 10, a, b, c, d)                           \
    PAIRS_OF_4(ADD_ROW, 11, a, b, c, d)                           \
    PAIRS_OF_4(ADD_ROW, 12, a, b, c, d)                           \
    PAIRS_OF_4(ADD_ROW, 13, a, b, c, d)                           \
    PAIRS_OF_4(ADD_ROW, 14, a, b, c, d)                           \
    PAIRS_OF_4(ADD_ROW, 15, a, b, c, d)                           \
    END_ROW(a) END_ROW(b) END_ROW(c) END_ROW(d)                   \
  }

#define CHAIN_4(r)               \
  if (rows > r) {                \
    __m256i pairs = PAIRS(0, r); \
    ADD_PAIRS(1, r)              \
    ADD_PAIRS(2, r)              \
    ADD_PAIRS(3, r)              \
    END_CHAIN(r, pairs)          \
  }

#define CHAIN_3(r)               \
  if (rows > r) {                \
    __m256i pairs = PAIRS(0, r); \
    ADD_PAIRS(1, r)              \
    ADD_PAIRS(2, r)              \
    END_CHAIN(r, pairs)          \
  }

#define CHAIN_2(r)                                           \
  if (rows > r) {                                            \
    END_CHAIN(r, _mm256_add_epi16(PAIRS(0, r), PAIRS(1, r))) \
  }

#define CHAIN_1(r)            \
  if (rows > r) {             \
    END_CHAIN(r, PAIRS(0, r)) \
  }

#define TWO_CHAINS(r)         \
  if (rows > r) {             \
    END_CHAIN(r, PAIRS(0, r)) \
    END_CHAIN(r, PAIRS(1, r)) \
  }

#define EXACT(r)                                                              \
  if (rows > r) {                                                             \
    const int16_t *x = wide + r * WIDE_STRIDE;                                \
    s##r = _mm256_add_epi32(s##r, _mm256_madd_epi16(er_spread32(x), w0));     \
    s##r = _mm256_add_epi32(s##r, _mm256_madd_epi16(er_spread32(x + 2), w1)); \
    __asm__("" : "+x"(s##r));                                                 \
  }

static ER_ALWAYS_INLINE __m256i widened(const int8_t *weights) {
  return _mm256_cvtepi8_epi16(_mm_load_si128((const __m128i *)(const void *)weights));
}

/* @param ab,cd rounded sums */
static ER_ALWAYS_INLINE __m256i narrow(__m256i ab, __m256i cd, const er_avx2_range *range,
                                       const enum finish finish) {
  if (finish == RECTIFY_AND_PACK) return er_avx2_rectified(ab, cd);
  const __m256i bytes = _mm256_packs_epi16(_mm256_adds_epi16(ab, range->zero_point),
                                           _mm256_adds_epi16(cd, range->zero_point));
  if (finish == PACK) return bytes;
  const __m256i bounded = _mm256_max_epi8(bytes, _mm256_broadcastsi128_si256(range->low));
  return _mm256_min_epi8(bounded, _mm256_broadcastsi128_si256(range->high));
}

/* Four rows of eight rounded sums as bytes, one row behind the other. */
static ER_ALWAYS_INLINE __m256i settle(__m256i a, __m256i b, __m256i c, __m256i d,
                                       const er_avx2_range *range, const enum finish finish) {
  const __m256i bytes = narrow(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d), range, finish);
  return _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

/* @param bytes [4][UNITS] */
static ER_ALWAYS_INLINE void store_rows(__m256i bytes, const int rows, int8_t *output,
                                        int64_t stride) {
  const __m128 low = _mm_castsi128_ps(_mm256_castsi256_si128(bytes));
  const __m128 high = _mm_castsi128_ps(_mm256_extracti128_si256(bytes, 1));
  _mm_storel_pi((__m64 *)(void *)output, low);
  if (rows > 1) _mm_storeh_pi((__m64 *)(void *)(output + stride), low);
  if (rows > 2) _mm_storel_pi((__m64 *)(void *)(output + 2 * stride), high);
  if (rows > 3) _mm_storeh_pi((__m64 *)(void *)(output + 3 * stride), high);
}

#define SCALED(r) \
  (rows > r ? _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_cvtepi32_ps(s##r), scale)) : s##r)
#define RECTIFIED(r) (rows > r ? er_avx2_rectify(s##r, scale, offset) : s##r)
#define BOUNDED(r) (rows > r ? er_avx2_round(s##r, scale, b->range.most) : s##r)
#define STORE_ALL(from, finish)                                                                  \
  store_rows(settle(from(0), from(1), from(2), from(3), &b->range, finish), rows < 4 ? rows : 4, \
             output, stride);                                                                    \
  if (rows > 4) {                                                                                \
    store_rows(settle(from(4), from(5), from(6), from(7), &b->range, finish), rows - 4,          \
               output + 4 * stride, stride);                                                     \
  }

#define REORDER(r)                                                                           \
  if (rows > r) {                                                                            \
    const __m256i x =                                                                        \
        _mm256_loadu_si256((const __m256i *)(const void *)(bytes + r * BYTE_STRIDE));        \
    _mm256_storeu_si256((__m256i *)(void *)(bytes + r * BYTE_STRIDE + ORDERS * ORDER_BYTES), \
                        _mm256_shuffle_epi8(x, places));                                     \
  }

/* Bring the rows of a tile into a panel's own order. */
static ER_ALWAYS_INLINE void reorder(const char *order, int32_t depth, uint8_t *bytes,
                                     const int rows) {
  for (int32_t d = 0; d < depth; d += 2 * BLOCK, bytes += 2 * BLOCK) {
    const __m256i places = _mm256_loadu_si256((const __m256i *)(const void *)(order + d));
    EACH_ROW(REORDER)
  }
}

/* Some quads' weights. */
static ER_ALWAYS_INLINE void fetch(const char *weights, const int quads) {
  for (int at = 0; at < quads * UNITS * QUAD; at += LINE) _mm_prefetch(weights + at, _MM_HINT_T0);
}

/* To the next chain. The empty instruction keeps gcc from computing both anew behind each loop. */
#define STEP(quads)            \
  at += (quads), w += (quads); \
  __asm__("" : "+r"(at), "+r"(w));

/* rows is a constant, so that all sums are registers.
 * @param output [rows][UNITS] */
static ER_ALWAYS_INLINE void multiply_panel(const block *b, const char *panel, int32_t *sums,
                                            int8_t *output, int64_t stride, const int rows) {
  const er_s8_panel *head = (const er_s8_panel *)(const void *)panel;
  const er_s8_counts *counts = (const er_s8_counts *)(const void *)(panel + b->counts_at);
  const uint16_t *start_at = (const uint16_t *)(const void *)(panel + b->places_at);
  const uint16_t *at = start_at, *end;
  const __m256i *w = (const __m256i *)(const void *)(panel + b->weights_at);
  const uint8_t *bytes = b->rows->bytes;
  if (counts->own_order) reorder(panel + b->order_at, b->depth, b->rows->bytes, rows);
  for (int32_t i = 0; i < b->ahead_lines; i++) {
    _mm_prefetch(panel + b->ahead_at + i * LINE, _MM_HINT_T1);
  }
  const __m256i start = _mm256_set1_epi32(b->start);
  const __m256i bias = _mm256_add_epi32(start, _mm256_loadu_si256((const __m256i *)head->bias));
  EACH_ROW(START)
  if (!b->is_first) {
    EACH_ROW(RESUME)
  }
  const __m256i ones = _mm256_set1_epi16(1);
  for (end = start_at + counts->longs; at < end;) {
    const uint8_t *x = bytes + at[0];
    const char *next = (const char *)w + b->panel_bytes;
    fetch(next, LONG_CHAIN / 2);
    CHAIN_LONG(0, 1, 2, 3)
    fetch(next + LONG_CHAIN / 2 * UNITS * QUAD, LONG_CHAIN / 2);
    CHAIN_LONG(4, 5, 6, 7)
    STEP(LONG_CHAIN)
  }
  for (end = start_at + counts->fours; at < end;) {
    _mm_prefetch((const char *)w + b->panel_bytes, _MM_HINT_T0); /* the next panel */
    _mm_prefetch((const char *)w + b->panel_bytes + LINE, _MM_HINT_T0);
    const uint8_t *x0 = bytes + at[0], *x1 = bytes + at[1];
    const uint8_t *x2 = bytes + at[2], *x3 = bytes + at[3];
    const __m256i w0 = w[0], w1 = w[1], w2 = w[2], w3 = w[3];
    EACH_ROW(CHAIN_4)
    STEP(4)
  }
  for (end = start_at + counts->threes; at < end;) {
    _mm_prefetch((const char *)w + b->panel_bytes, _MM_HINT_T0);
    const uint8_t *x0 = bytes + at[0], *x1 = bytes + at[1], *x2 = bytes + at[2];
    const __m256i w0 = w[0], w1 = w[1], w2 = w[2];
    EACH_ROW(CHAIN_3)
    STEP(3)
  }
  for (end = start_at + counts->twos; at < end;) {
    _mm_prefetch((const char *)w + b->panel_bytes, _MM_HINT_T0);
    const uint8_t *x0 = bytes + at[0], *x1 = bytes + at[1];
    const __m256i w0 = w[0], w1 = w[1];
    EACH_ROW(CHAIN_2)
    STEP(2)
  }
  for (end = start_at + counts->ones; at + 1 < end;) {
    _mm_prefetch((const char *)w + b->panel_bytes, _MM_HINT_T0);
    const uint8_t *x0 = bytes + at[0], *x1 = bytes + at[1];
    const __m256i w0 = w[0], w1 = w[1];
    EACH_ROW(TWO_CHAINS)
    STEP(2)
  }
  if (at < end) {
    const uint8_t *x0 = bytes + at[0];
    const __m256i w0 = w[0];
    EACH_ROW(CHAIN_1)
    STEP(1)
  }
  for (end = start_at + counts->exact; at < end;) {
    _mm_prefetch((const char *)w + b->panel_bytes, _MM_HINT_T0);
    const int16_t *wide = b->rows->wide + at[0];
    const __m256i w0 = widened((const int8_t *)w), w1 = widened((const int8_t *)w + 16);
    EACH_ROW(EXACT)
    STEP(1)
  }
  const __m256 scale = _mm256_loadu_ps(head->scale);
  if (b->finish == RECTIFY_AND_PACK) {
    const __m256 offset = er_avx2_rectify_offset(scale);
    STORE_ALL(RECTIFIED, RECTIFY_AND_PACK)
  } else if (b->finish == PACK) {
    STORE_ALL(SCALED, PACK)
  } else if (b->finish == KEEP) {
    EACH_ROW(SUSPEND)
  } else {
    STORE_ALL(BOUNDED, BOUND_AND_PACK)
  }
}

static void store_part(const int8_t *from, int rows, int32_t units, int8_t *output,
                       int64_t stride) {
  for (int r = 0; r < rows; r++) memcpy(output + r * stride, from + r * UNITS, (size_t)units);
}

static ER_ALWAYS_INLINE void multiply(const block *b, const int rows) {
  const char *panel = b->panels;
  tile_sums *sums = b->sums;
  const bool keeps = b->finish == KEEP; /* then there may be no output */
  int8_t part[ROWS * UNITS], *output = keeps ? part : b->output;
  const int32_t step = keeps ? 0 : UNITS;
  int32_t units = b->units;
  for (; units >= UNITS; units -= UNITS, output += step, sums++, panel += b->panel_bytes) {
    multiply_panel(b, panel, *sums, output, b->output_stride, rows);
  }
  if (units == 0) return;
  multiply_panel(b, panel, *sums, part, UNITS, rows);
  if (!keeps) store_part(part, rows, units, output, b->output_stride);
}

#define KERNEL(r) \
  static void rows_##r(const block *b) { multiply(b, (r) + 1); }
EACH_ROW(KERNEL)

#define NAME(r) rows_##r,
static void (*const kernels[ROWS])(const block *b) = {EACH_ROW(NAME)};

/* ---- the whole product ----------------------------------------------------------------------- */

/* The units of one block of a product. */
typedef struct product {
  const er_gemm_s8_call *call;
  int32_t first, last; /* units */
  int32_t *plain;      /* [rows][units of the call]; NULL: bytes go to the call's output */
  int64_t plain_stride;
} product;

static void store_plain(const product *p, int32_t row, int32_t rows, const tile_sums *sums) {
  for (int32_t unit = p->first; unit < p->last; unit += UNITS, sums++) {
    const int32_t units = p->last - unit < UNITS ? p->last - unit : UNITS;
    int32_t *to = p->plain + row * p->plain_stride + unit - p->call->first;
    for (int32_t r = 0; r < rows; r++, to += p->plain_stride) {
      memcpy(to, *sums + r * UNITS, (size_t)units * sizeof *to);
    }
  }
}

static block block_of(const product *p, int32_t d, tile_rows *rows) {
  const er_gemm_s8_call *c = p->call;
  const er_s8_panel *panel = er_s8_panel_at(c->packed, p->first, c->depth);
  const char *start = (const char *)panel;
  return (block){
      .panels = start,
      .panel_bytes = er_s8_panel_bytes(c->depth),
      .counts_at = (size_t)((char *)(er_s8_counts_of(panel) + d / CHUNK) - start),
      .places_at = (size_t)((char *)(er_s8_places(panel, c->depth) + d / QUAD) - start),
      .weights_at = (size_t)((char *)er_s8_weights(panel, c->depth) - start) + (size_t)d * UNITS,
      .order_at = (size_t)((char *)er_s8_order(panel, c->depth) - start),
      .is_first = d == 0,
      .is_last = d + CHUNK >= c->depth,
      .units = p->last - p->first,
      .depth = c->depth,
      .rows = rows,
      .range = er_avx2_range_of(c->range),
      .output_stride = c->output_stride};
}

/* In which forms the rows are needed, and what holds for all sums. */
typedef struct forms {
  int32_t orders;
  bool exact, fits, reach;
} forms;

static forms forms_of(const block *b) {
  forms needed = {0, false, true, false};
  const char *at = b->panels + b->counts_at;
  for (int32_t units = b->units; units > 0; units -= UNITS, at += b->panel_bytes) {
    const er_s8_counts *counts = (const er_s8_counts *)(const void *)at;
    if (counts->orders > needed.orders) needed.orders = counts->orders;
    if (counts->exact > counts->ones) needed.exact = true;
    if (!counts->fits) needed.fits = false;
    if (counts->reach) needed.reach = true;
  }
  return needed;
}

static enum finish finish_of(const block *b, const product *p, forms needed) {
  const er_range_s8 range = p->call->range;
  if (!b->is_last || p->plain) return KEEP;
  if (!needed.fits || range.low > -128 || range.high < 127) return BOUND_AND_PACK;
  return b->is_first && range.zero_point == -128 && !needed.reach ? RECTIFY_AND_PACK : PACK;
}

/* Depth [d, d + width) of rows from `input` on, piece by piece: what is written too far for one is
 * written over by the next. */
static void prepare(const er_gemm_s8_call *c, const int8_t *input, int32_t rows, int32_t d,
                    int32_t width, forms needed, tile_rows *to) {
  const int32_t piece = c->segments > 1 ? c->depth / c->segments : er_s8_padded(c->depth);
  const int64_t gap = c->segments > 1 ? c->segment_stride - piece : 0;
  const int32_t number = d / piece, end = d + width;
  input += number * gap;
  for (int32_t from = d, next = (number + 1) * piece; from < end; from = next, next += piece) {
    const int32_t bytes = (next < end ? next : end) - from, at = from - d;
    if (needed.orders > 0) {
      lift(input + from, c->input_stride, rows, bytes, needed.orders, to->bytes + at);
    }
    if (needed.exact) widen(input + from, c->input_stride, rows, bytes, to->wide + at);
    input += gap;
  }
}

/* Weights of large layers come from afar: while a chunk meets its tiles, each of these has a part
 * of the next chunk fetched, or of the next block. A single tile has no time for it.
 * @return how many of the tiles have a part */
static int32_t divide_ahead(const product *p, int32_t d, int32_t tiles, block *b) {
  const int32_t depth = p->call->depth, next = b->is_last ? 0 : d + CHUNK;
  const int32_t width = depth - next < CHUNK ? depth - next : CHUNK;
  const int32_t lines = width * UNITS / LINE + 1, part = (lines + tiles - 1) / tiles;
  const size_t panels = ((size_t)b->units + UNITS - 1) / UNITS;
  b->ahead_at = b->weights_at - (size_t)d * UNITS + (size_t)next * UNITS +
                (b->is_last ? panels * b->panel_bytes : 0);
  b->ahead_lines = tiles > 1 ? part : 0;
  return (lines + part - 1) / part;
}

static int32_t panels_of_block(const er_gemm_s8_call *c) {
  const size_t fitting = BLOCK_BYTES / er_s8_panel_bytes(c->depth);
  return fitting < LEAST_PANELS  ? LEAST_PANELS
         : fitting < MOST_PANELS ? (int32_t)fitting
                                 : MOST_PANELS;
}

/* Rows [first, last), a strip. Chunk by chunk, so that weights are read from afar but
 * once. */
static void multiply_strip(const product *p, int32_t first, int32_t last, tile_rows *prepared) {
  const er_gemm_s8_call *c = p->call;
  tile_sums sums[MOST_SUMS];
  const int32_t depth = er_s8_padded(c->depth), count = last - first;
  const int32_t tiles = (count + ROWS - 1) / ROWS; /* of nearly equal height */
  const int32_t least = count / tiles, higher = count % tiles;
  for (int32_t d = 0; d < depth; d += CHUNK) {
    const int32_t width = depth - d < CHUNK ? depth - d : CHUNK;
    block b = block_of(p, d, prepared);
    const forms needed = forms_of(&b);
    const int32_t fetching = divide_ahead(p, d, tiles, &b);
    b.finish = finish_of(&b, p, needed);
    b.start = b.finish == RECTIFY_AND_PACK ? ER_TWO_23_BITS : 0;
    b.sums = sums;
    for (int32_t i = 0, row = first, rows; i < tiles; i++, row += rows) {
      rows = least + (i < higher);
      if (i == fetching) b.ahead_lines = 0;
      if (!p->plain) b.output = c->output + row * c->output_stride + p->first;
      prepare(c, c->input + row * c->input_stride, rows, d, width, needed, prepared);
      kernels[rows - 1](&b);
      if (p->plain && b.is_last) store_plain(p, row, rows, b.sums);
      if (depth > CHUNK) b.sums += panels_of_block(c);
      b.ahead_at += (size_t)b.ahead_lines * LINE;
    }
  }
}

/* One strip, but where sums must be kept from chunk to chunk. */
static int32_t strips_of(const er_gemm_s8_call *c) {
  const int32_t strip = MOST_SUMS / panels_of_block(c) * ROWS;
  return c->depth > CHUNK ? (c->rows + strip - 1) / strip : c->rows > 0;
}

static void multiply_all(const er_gemm_s8_call *c, int32_t *plain, int64_t plain_stride) {
  tile_rows prepared;
  const int32_t panels = panels_of_block(c), strips = strips_of(c);
  product p = {.call = c, .plain = plain, .plain_stride = plain_stride};
  for (p.first = c->first; p.first < c->last; p.first = p.last) {
    p.last = c->last - p.first < panels * UNITS ? c->last : p.first + panels * UNITS;
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
                                    .segment_step = QUAD,
                                    .packed_bytes = er_s8_packed_bytes,
                                    .pack = er_s8_pack,
                                    .run = run,
                                    .sums = sums,
                                    .winograd = &er_winograd_s8_avx2};
