/* int8 convolutions by minimal filtering, with AVX2: the products are those of int16 numbers
 * (vpmaddwd), exact whatever the weights. Tiles come in groups of ROWS, units in panels of two
 * vectors. For each of the 16 positions a group is multiplied with a panel as in a gemm. */
#include "avx2.h"
#include "kernels/winograd.h"

enum {
  ROWS = 6,   /* tiles of a group */
  TILES = 24, /* for which weights are read once */
  UNITS = 16, /* of a panel */
  HALF = 8,
  STEP = 16, /* channels of a vector of int16 */
  PAIR = 2,
  CENTRE = 5 /* the position that goes into all four outputs once: where the bias is added */
};

/* Lanes in the order in which er_avx2_settle gives the bytes back: units 0-3, 8-11; 4-7, 12-15. */
static int32_t unit_of(int32_t lane) { return lane % 4 + lane / 4 % 2 * 8 + lane / 8 * 4; }

/* What a panel begins with; behind it int16_t weights[ER_POSITIONS][pairs][UNITS][PAIR]. */
typedef struct panel {
  int32_t bias[UNITS]; /* four times */
  float scale[UNITS];  /* a quarter */
} panel;

static size_t pairs_of(int32_t channels) { return ((size_t)channels + PAIR - 1) / PAIR; }

static size_t panel_bytes(int32_t channels) {
  return sizeof(panel) + ER_POSITIONS * pairs_of(channels) * UNITS * PAIR * sizeof(int16_t);
}

static size_t packed_bytes(int32_t units, int32_t channels) {
  return ((size_t)units + UNITS - 1) / UNITS * panel_bytes(channels);
}

static void pack_unit(const er_weights_s8 *weights, int32_t unit, int32_t lane, panel *to) {
  const int32_t channels = weights->depth / 9;
  const int64_t first = (int64_t)unit * weights->depth;
  const size_t position = pairs_of(channels) * UNITS * PAIR;
  int16_t *values = (int16_t *)(void *)(to + 1) + (size_t)lane * PAIR;
  to->bias[lane] = 4 * er_bias_less_zero_point(weights, unit, first, 1);
  to->scale[lane] = weights->scale[unit] / 4;
  for (int32_t c = 0; c < channels; c++) {
    int16_t filter[ER_POSITIONS];
    er_winograd_filter(weights->values + first + c, channels, filter);
    int16_t *at = values + (size_t)(c / PAIR) * UNITS * PAIR + (size_t)(c % PAIR);
    for (int32_t i = 0; i < ER_POSITIONS; i++, at += position) *at = filter[i];
  }
}

static void pack(const er_weights_s8 *weights, void *packed) {
  char *to = packed;
  for (int32_t first = 0; first < weights->units; first += UNITS) {
    for (int32_t lane = 0; lane < UNITS; lane++) {
      const int32_t unit = first + unit_of(lane);
      if (unit < weights->units) pack_unit(weights, unit, lane, (panel *)(void *)to);
    }
    to += panel_bytes(weights->depth / 9);
  }
}

/* ---- the patch of a tile --------------------------------------------------------------------- */

/* [steps][ER_POSITIONS][TILES][STEP] */
static size_t step_values(void) { return (size_t)ER_POSITIONS * TILES * STEP; }

static size_t scratch_bytes(int32_t channels) {
  return ((size_t)channels + STEP - 1) / STEP * step_values() * sizeof(int16_t);
}

static ER_ALWAYS_INLINE __m256i widened(const int8_t *from) {
  return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)from));
}

static ER_ALWAYS_INLINE void put(__m256i v, int16_t *to) {
  _mm256_storeu_si256((__m256i *)(void *)to, v);
}

/* A line of V from a line of B' d. */
static ER_ALWAYS_INLINE void filter_line(__m256i a, __m256i b, __m256i c, __m256i d, int16_t *to) {
  put(_mm256_sub_epi16(a, c), to);
  put(_mm256_add_epi16(b, c), to + TILES * STEP);
  put(_mm256_sub_epi16(c, b), to + 2 * TILES * STEP);
  put(_mm256_sub_epi16(b, d), to + 3 * TILES * STEP);
}

#define D(y, x) widened(lines[y] + columns[x])
#define FILTER_LINE(y, a, op, b)                                                \
  filter_line(op(D(a, 0), D(b, 0)), op(D(a, 1), D(b, 1)), op(D(a, 2), D(b, 2)), \
              op(D(a, 3), D(b, 3)), to + y * ER_PATCH * TILES * STEP);

/* V of STEP channels. @param to [ER_POSITIONS][TILES][STEP] */
static ER_ALWAYS_INLINE void filter_patch(const int8_t *const lines[ER_PATCH],
                                          const int64_t columns[ER_PATCH], int16_t *to) {
  FILTER_LINE(0, 0, _mm256_sub_epi16, 2)
  FILTER_LINE(1, 1, _mm256_add_epi16, 2)
  FILTER_LINE(2, 2, _mm256_sub_epi16, 1)
  FILTER_LINE(3, 1, _mm256_sub_epi16, 3)
}

/* Where a tile's outputs begin. */
typedef struct place {
  int32_t x, y;
} place;

static place place_after(const er_winograd_s8_call *c, place at) {
  at.x += ER_TILE;
  return at.x < c->shape->out_w ? at : (place){0, at.y + ER_TILE};
}

static int32_t least(int32_t a, int32_t b) { return a < b ? a : b; }

/* What lies under outputs that do not exist may be anything. */
static void filter(const er_winograd_s8_call *c, place at, int16_t *to) {
  const int32_t channels = c->shape->in_c;
  const int8_t *lines[ER_PATCH];
  int64_t columns[ER_PATCH];
  for (int32_t i = 0; i < ER_PATCH; i++) {
    lines[i] = c->lines + (size_t)least(at.y + i, c->rows + 1) * c->line_bytes;
    columns[i] = (int64_t)least(at.x + i, c->shape->out_w + 1) * channels;
  }
  for (int32_t d = 0; d < channels; d += STEP, to += step_values()) {
    filter_patch(lines, columns, to);
    for (int32_t i = 0; i < ER_PATCH; i++) lines[i] += STEP;
  }
}

/* ---- products -------------------------------------------------------------------------------- */

#define EACH_ROW(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5)
#define START(r) __m256i s##r##0 = start0, s##r##1 = start1;
#define MULTIPLY(r)                                                \
  if (rows > r) {                                                  \
    const __m256i x = er_spread32(v + r * STEP + d);               \
    s##r##0 = _mm256_add_epi32(s##r##0, _mm256_madd_epi16(x, w0)); \
    s##r##1 = _mm256_add_epi32(s##r##1, _mm256_madd_epi16(x, w1)); \
  }
#define STORE(r)                                                                \
  if (rows > r) {                                                               \
    _mm256_storeu_si256((__m256i *)(void *)(sums + r * UNITS), s##r##0);        \
    _mm256_storeu_si256((__m256i *)(void *)(sums + r * UNITS + HALF), s##r##1); \
  }

/* One position. rows is a constant, so that all sums are registers.
 * @param start [UNITS]  @param v [steps][..][TILES][STEP]  @param[out] sums [ROWS][UNITS] */
static ER_ALWAYS_INLINE void multiply(int32_t channels, const int32_t *start, const int16_t *v,
                                      const int16_t *weights, int32_t *sums, const int rows) {
  const __m256i start0 = _mm256_loadu_si256((const __m256i *)(const void *)start);
  const __m256i start1 = _mm256_loadu_si256((const __m256i *)(const void *)(start + HALF));
  const __m256i *w = (const __m256i *)(const void *)weights;
  EACH_ROW(START)
  for (int32_t left = channels; left > 0; left -= STEP, v += step_values()) {
    for (int64_t d = 0, end = least(left, STEP); d < end; d += PAIR, w += 2) {
      const __m256i w0 = w[0], w1 = w[1];
      EACH_ROW(MULTIPLY)
    }
  }
  EACH_ROW(STORE)
}

typedef void product(int32_t channels, const int32_t *start, const int16_t *v,
                     const int16_t *weights, int32_t *sums);
#define KERNEL(r)                                                                \
  static void rows_##r(int32_t channels, const int32_t *start, const int16_t *v, \
                       const int16_t *weights, int32_t *sums) {                  \
    multiply(channels, start, v, weights, sums, (r) + 1);                        \
  }
EACH_ROW(KERNEL)
#define NAME(r) rows_##r,
static product *const products[ROWS] = {EACH_ROW(NAME)};

typedef int32_t all_sums[ER_POSITIONS][TILES][UNITS];

/* One position of all tiles, in groups of nearly equal size. */
static void multiply_position(int32_t channels, int32_t tiles, const int32_t *start,
                              const int16_t *v, const int16_t *weights,
                              int32_t sums[TILES][UNITS]) {
  const int32_t groups = (tiles + ROWS - 1) / ROWS;
  for (int32_t i = 0, rows; i < groups; i++, v += rows * STEP, sums += rows) {
    rows = tiles / groups + (i < tiles % groups);
    products[rows - 1](channels, start, v, weights, sums[0]);
  }
}

static void multiply_panel(int32_t channels, int32_t tiles, const int16_t *v, const panel *p,
                           all_sums sums) {
  static const int32_t zeros[UNITS];
  const int16_t *weights = (const int16_t *)(const void *)(p + 1);
  for (int32_t i = 0; i < ER_POSITIONS; i++, v += TILES * STEP) {
    multiply_position(channels, tiles, i == CENTRE ? p->bias : zeros, v, weights, sums[i]);
    weights += pairs_of(channels) * UNITS * PAIR;
  }
}

/* ---- outputs --------------------------------------------------------------------------------- */

/* A' M of a column. @param m the first of ER_PATCH lines of positions */
static ER_ALWAYS_INLINE void gather(const int32_t *m, __m256i *upper, __m256i *lower) {
  const int64_t line = (int64_t)ER_PATCH * TILES * UNITS;
  const __m256i m0 = _mm256_loadu_si256((const __m256i *)(const void *)m);
  const __m256i m1 = _mm256_loadu_si256((const __m256i *)(const void *)(m + line));
  const __m256i m2 = _mm256_loadu_si256((const __m256i *)(const void *)(m + 2 * line));
  const __m256i m3 = _mm256_loadu_si256((const __m256i *)(const void *)(m + 3 * line));
  *upper = _mm256_add_epi32(_mm256_add_epi32(m0, m1), m2);
  *lower = _mm256_sub_epi32(_mm256_sub_epi32(m1, m2), m3);
}

/* The outputs of a tile, for half a panel, rounded. @param m of the first position */
static ER_ALWAYS_INLINE void round_tile(const int32_t *m, __m256 scale, __m256 most,
                                        __m256i to[ER_OUTPUTS]) {
  const int64_t column = (int64_t)TILES * UNITS;
  __m256i a0, a1, a2, a3, b0, b1, b2, b3;
  gather(m, &a0, &b0);
  gather(m + column, &a1, &b1);
  gather(m + 2 * column, &a2, &b2);
  gather(m + 3 * column, &a3, &b3);
  to[0] = er_avx2_round(_mm256_add_epi32(_mm256_add_epi32(a0, a1), a2), scale, most);
  to[1] = er_avx2_round(_mm256_sub_epi32(_mm256_sub_epi32(a1, a2), a3), scale, most);
  to[2] = er_avx2_round(_mm256_add_epi32(_mm256_add_epi32(b0, b1), b2), scale, most);
  to[3] = er_avx2_round(_mm256_sub_epi32(_mm256_sub_epi32(b1, b2), b3), scale, most);
}

/* @param[out] to [ER_OUTPUTS][UNITS] */
static ER_ALWAYS_INLINE void settle_tile(const panel *p, const int32_t *m,
                                         const er_avx2_range *range, int8_t *to) {
  __m256i low[ER_OUTPUTS], high[ER_OUTPUTS];
  round_tile(m, _mm256_loadu_ps(p->scale), range->most, low);
  round_tile(m + HALF, _mm256_loadu_ps(p->scale + HALF), range->most, high);
  for (int32_t i = 0; i < ER_OUTPUTS; i++, to += UNITS) {
    er_store_bytes(er_avx2_settle(low[i], high[i], *range), UNITS, to);
  }
}

/* Those outputs of a tile that exist. @param from [ER_OUTPUTS][UNITS] */
static void store_tile(const er_winograd_s8_call *c, place at, int32_t unit, const int8_t *from) {
  const int32_t width = c->shape->out_w, units = least(c->shape->out_c - unit, UNITS);
  for (int32_t y = at.y; y < least(at.y + ER_TILE, c->rows); y++) {
    int8_t *to = c->output + ((int64_t)y * width + at.x) * c->output_stride + unit;
    for (int32_t x = 0; x < least(width - at.x, ER_TILE); x++, to += c->output_stride) {
      const int8_t *pixel = from + ((y - at.y) * ER_TILE + x) * UNITS;
      if (units == UNITS) {
        memcpy(to, pixel, UNITS);
      } else {
        memcpy(to, pixel, (size_t)units);
      }
    }
  }
}

/* All units of some tiles. @param at [tiles]  @param v their patches */
static void multiply_tiles(const er_winograd_s8_call *c, const place *at, int32_t tiles,
                           const int16_t *v) {
  const int32_t channels = c->shape->in_c;
  const er_avx2_range range = er_avx2_range_of(c->range);
  const char *from = c->packed;
  all_sums sums;
  int8_t outputs[ER_OUTPUTS * UNITS];
  for (int32_t unit = 0; unit < c->shape->out_c; unit += UNITS, from += panel_bytes(channels)) {
    const panel *p = (const panel *)(const void *)from;
    multiply_panel(channels, tiles, v, p, sums);
    for (int32_t i = 0; i < tiles; i++) {
      settle_tile(p, sums[0][i], &range, outputs);
      store_tile(c, at[i], unit, outputs);
    }
  }
}

static void run(const er_winograd_s8_call *c) {
  const int32_t all = (c->shape->out_w + 1) / ER_TILE * ((c->rows + 1) / ER_TILE);
  const int32_t blocks = (all + TILES - 1) / TILES; /* of nearly equal size */
  place next = {0, 0}, at[TILES];
  for (int32_t i = 0; i < blocks; i++) {
    const int32_t tiles = all / blocks + (i < all % blocks);
    int16_t *v = c->scratch;
    for (int32_t t = 0; t < tiles; t++, next = place_after(c, next)) {
      at[t] = next;
      filter(c, next, v + t * STEP);
    }
    multiply_tiles(c, at, tiles, v);
  }
}

const er_winograd_s8 er_winograd_s8_avx2 = {.name = "winograd_s8_avx2",
                                            .packed_bytes = packed_bytes,
                                            .pack = pack,
                                            .scratch_bytes = scratch_bytes,
                                            .run = run};
