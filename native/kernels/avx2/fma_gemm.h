/* float32 gemm with FMA, by tiles of ROWS rows and two vectors of units. Units are packed in panels
 * [bias, then depth][UNITS]. Panels of a block stay in the second-level cache while rows go by; a
 * panel that is too deep for that is cut in chunks, each in the first-level cache for many rows.
 * One source for both vector widths; before it is included these are defined:
 *
 *   LANES                     floats of a vector
 *   vector                    a vector of floats
 *   load, store               of a vector
 *   spread(from)              one float in all lanes
 *   multiply_add(x, w, sum)   FMA
 *   bound(v, low, high)       NaN stays NaN
 *   store_some(v, units, to)  the first `units` lanes; none where that is not positive
 *   EACH_ROW(DO)              DO(0) .. DO(ROWS - 1)
 *   ROWS                      rows of a tile
 *   BLOCK_BYTES               of panels in the second-level cache
 *   CHUNK                     depth of what stays in the first-level cache */
#include <string.h>

#include "kernels/kernels.h"
#include "kernels/rows_f32.h"

#ifndef ER_ALWAYS_INLINE
#define ER_ALWAYS_INLINE inline __attribute__((always_inline))
#endif

enum {
  UNITS = 2 * LANES,
  STRIP = 96 / ROWS,     /* tiles whose sums are kept from chunk to chunk */
  LINE = 16,             /* floats of a cache line */
  AHEAD = 1024,          /* floats: weights are fetched ahead */
  AHEAD_STEP = UNITS / 4 /* a quarter of the next chunk for each tile */
};

static size_t panel_floats(int32_t depth) { return ((size_t)depth + 1) * UNITS; }

/* ---- one tile -------------------------------------------------------------------------------- */

typedef struct tile {
  const float *start;   /* [UNITS] the bias, or [ROWS][UNITS] sums so far */
  int32_t start_step;   /* from row to row */
  const float *weights; /* [segments][depth][UNITS] */
  const float *ahead;   /* deep: what to fetch meanwhile, AHEAD_STEP for each of depth */
  const float *rows[ROWS];
  int32_t segments, depth; /* pieces of a row, and how long each is */
  int64_t segment_stride;
  float *sums; /* [ROWS][UNITS] to store; NULL: the result */
  float low, high;
  int32_t units; /* to store */
  float *output;
  int64_t output_stride;
} tile;

static ER_ALWAYS_INLINE void fetch(const float *from) {
  _mm_prefetch((const char *)from, _MM_HINT_T0);
}

#define DECLARE(r)                                                    \
  const float *start##r = t->start + (rows > r ? r : 0) * start_step; \
  vector s##r##0 = load(start##r), s##r##1 = load(start##r + LANES);  \
  const float *x##r = t->rows[rows > r ? r : 0];
#define MADD(r)                                                 \
  if (rows > r) {                                               \
    const vector x = spread(x##r + d);                          \
    s##r##0 = multiply_add(x, w0, s##r##0);                     \
    if (form != NARROW) s##r##1 = multiply_add(x, w1, s##r##1); \
  }
#define STORE(r)                                                                 \
  if (rows > r) {                                                                \
    float *to = t->output + r * t->output_stride;                                \
    store_some(bound(s##r##0, t->low, t->high), t->units, to);                   \
    if (form != NARROW) {                                                        \
      store_some(bound(s##r##1, t->low, t->high), t->units - LANES, to + LANES); \
    }                                                                            \
  }
#define SUSPEND(r)                               \
  if (rows > r) {                                \
    store(t->sums + r * UNITS, s##r##0);         \
    store(t->sums + r * UNITS + LANES, s##r##1); \
  }

typedef enum form { NARROW, WHOLE, DEEP, FORMS } form; /* one vector, two, two of a chunk */

/* rows and form are constants, so that all sums are registers. */
static ER_ALWAYS_INLINE void multiply(const tile *t, const int rows, const form form) {
  const int64_t start_step = form == DEEP ? t->start_step : 0;
  EACH_ROW(DECLARE)
  const float *w = t->weights, *ahead = t->ahead;
  int64_t start = 0;
  for (int32_t n = t->segments; n > 0; n--, start += t->segment_stride) {
    for (int64_t d = start, end = start + t->depth; d < end; d++, w += UNITS) {
      fetch(form == DEEP ? ahead : w + AHEAD);
      if (form == DEEP) ahead += AHEAD_STEP;
      if (form == WHOLE && (int)UNITS > (int)LINE) fetch(w + AHEAD + LINE);
      const vector w0 = load(w), w1 = load(w + LANES);
      EACH_ROW(MADD)
    }
  }
  if (form == DEEP && t->sums) {
    EACH_ROW(SUSPEND)
  } else {
    EACH_ROW(STORE)
  }
}

#define KERNEL(r)                                                         \
  static void narrow_##r(const tile *t) { multiply(t, (r) + 1, NARROW); } \
  static void whole_##r(const tile *t) { multiply(t, (r) + 1, WHOLE); }   \
  static void deep_##r(const tile *t) { multiply(t, (r) + 1, DEEP); }
EACH_ROW(KERNEL)

#define KERNELS(r) {narrow_##r, whole_##r, deep_##r},
static void (*const kernels[ROWS][FORMS])(const tile *t) = {EACH_ROW(KERNELS)};

/* ---- all tiles ------------------------------------------------------------------------------- */

static int32_t least(int32_t a, int32_t b) { return a < b ? a : b; }

static tile tile_of(const er_gemm_f32_call *c) {
  return (tile){.segments = er_segments(c),
                .depth = c->depth / er_segments(c),
                .segment_stride = c->segment_stride,
                .low = c->low,
                .high = c->high,
                .output_stride = c->output_stride};
}

/* Point a tile to its panel and to its part of the output. */
static void place(const er_gemm_f32_call *c, int64_t row, int64_t unit, tile *t) {
  t->start = (const float *)c->packed + unit / UNITS * (int64_t)panel_floats(c->depth);
  t->weights = t->start + UNITS;
  t->units = (int32_t)(c->last - unit);
  t->output = c->output + row * c->output_stride + unit;
}

/* Work in parts of nearly equal size, for small ones are slow. */
typedef struct parts {
  int32_t count, whole;
} parts;

static parts split(int32_t whole, int32_t most) {
  return (parts){(int32_t)(((int64_t)whole + most - 1) / most), whole};
}

static int32_t part_start(parts p, int32_t i) { return (int32_t)((int64_t)p.whole * i / p.count); }

static int32_t part_size(parts p, int32_t i) { return part_start(p, i + 1) - part_start(p, i); }

static void run_blocks(const er_gemm_f32_call *c, int32_t panels) {
  const int64_t block = (int64_t)panels * UNITS;
  const parts tiles = split(c->rows, ROWS);
  tile t = tile_of(c);
  for (int64_t first = c->first; first < c->last; first += block) {
    const int64_t end = c->last - first < block ? c->last : first + block;
    er_rows_f32 walk = er_rows_f32_of(c);
    for (int32_t i = 0; i < tiles.count; i++) {
      const int32_t rows = part_size(tiles, i);
      for (int32_t r = 0; r < rows; r++) t.rows[r] = er_rows_f32_next(c, &walk);
      for (int64_t unit = first; unit < end; unit += UNITS) {
        place(c, part_start(tiles, i), unit, &t);
        kernels[rows - 1][t.units > LANES ? WHOLE : NARROW](&t);
      }
    }
  }
}

/* A part of the depth: [d, d + depth) of a panel, in rows from `offset` on. */
typedef struct chunk {
  int32_t d, depth;
  int64_t offset;
} chunk;

/* `count` rows from `row` on, the next ones of the walk, times a chunk of a panel. */
static void run_chunk(const er_gemm_f32_call *c, chunk part, er_rows_f32 walk, int32_t row,
                      int32_t count, int64_t unit, float sums[STRIP][ROWS * UNITS]) {
  const parts tiles = split(count, ROWS);
  tile t = tile_of(c);
  t.segments = 1, t.depth = part.depth;
  for (int32_t i = 0; i < tiles.count; i++) {
    const int32_t rows = part_size(tiles, i);
    for (int32_t r = 0; r < rows; r++) t.rows[r] = er_rows_f32_next(c, &walk) + part.offset;
    place(c, row + part_start(tiles, i), unit, &t);
    t.weights += (int64_t)part.d * UNITS;
    t.ahead = t.weights + (int64_t)part.depth * (UNITS + least(i * AHEAD_STEP, UNITS - AHEAD_STEP));
    if (part.d > 0) t.start = sums[i], t.start_step = UNITS;
    t.sums = part.d + part.depth < c->depth ? sums[i] : NULL;
    kernels[rows - 1][DEEP](&t);
  }
}

static void run_strip(const er_gemm_f32_call *c, er_rows_f32 walk, int32_t row, int32_t count,
                      int64_t unit) {
  float sums[STRIP][ROWS * UNITS];
  const int32_t piece = c->depth / er_segments(c);
  for (chunk part = {0}; part.d < c->depth; part.d += part.depth) {
    const int32_t within = part.d % piece;
    part.depth = least(piece - within, CHUNK);
    part.offset = part.d / piece * c->segment_stride + within;
    run_chunk(c, part, walk, row, count, unit, sums);
  }
}

static void run_deep(const er_gemm_f32_call *c) {
  const parts strips = split(c->rows, STRIP * ROWS);
  for (int64_t unit = c->first; unit < c->last; unit += UNITS) {
    er_rows_f32 walk = er_rows_f32_of(c);
    for (int32_t i = 0; i < strips.count; i++) {
      const int32_t rows = part_size(strips, i);
      run_strip(c, walk, part_start(strips, i), rows, unit);
      for (int32_t r = 0; r < rows; r++) er_rows_f32_next(c, &walk);
    }
  }
}

static void run(const er_gemm_f32_call *c) {
  const size_t panels = BLOCK_BYTES / (panel_floats(c->depth) * sizeof(float));
  if (panels > 0) {
    run_blocks(c, (int32_t)panels);
  } else {
    run_deep(c);
  }
}
