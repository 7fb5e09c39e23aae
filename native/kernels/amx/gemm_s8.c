/* int8 gemm with AMX. TDPBSSD multiplies a tile of 16 rows, 64 deep, with a tile of 64 deep, 16
 * units and adds the products to a tile of 16 x 16 sums. Two tiles of rows (where they lie) times
 * two of units take four products for four loads. What is read behind the end of a row meets
 * weights of 0. */
#include "kernels/amx/amx.h"
#include "kernels/avx512vnni/avx512vnni.h"
#include "kernels/slots.h"

enum {
  LANES = 16,              /* units of a tile */
  UNITS = 2 * LANES,       /* of a panel */
  ROWS = 16,               /* of a tile */
  STEP = 64,               /* depth of a tile */
  TILE = LANES * STEP,     /* bytes */
  LINE = 64,               /* of a cache */
  BLOCK_BYTES = 256 * 1024 /* panels that stay in the second-level cache */
};

/* Slot order is that in which pairs of sums are packed to bytes; plain sums need none, their panels
 * hold the units in order. */
typedef struct panel {
  int32_t bias[UNITS];
  float scale[UNITS];
  int8_t weights[]; /* [steps of depth][tiles: 2, or 1 where that holds all units][TILE] */
} panel;

static int64_t steps_of(int32_t depth) { return ((int64_t)depth + STEP - 1) / STEP; }

static size_t panel_bytes(int32_t depth) {
  return sizeof(panel) + (size_t)steps_of(depth) * 2 * TILE;
}

static size_t packed_bytes(int32_t units, int32_t depth) {
  return ((size_t)units + UNITS - 1) / UNITS * panel_bytes(depth);
}

/* ---- packing --------------------------------------------------------------------------------- */

/* @param values [LANES] of [depth], NULL: no unit
 * @param to [steps][step_bytes], of which the first TILE: [STEP / 4][LANES][4] */
static void pack_tiles(const int8_t *const *values, int32_t depth, size_t step_bytes, int8_t *to) {
  for (int32_t d = 0; d < depth; d += 4) {
    int8_t *line = to + (size_t)(d / STEP) * step_bytes + d % STEP * LANES;
    const size_t bytes = depth - d < 4 ? (size_t)(depth - d) : 4;
    for (int32_t i = 0; i < LANES; i++) {
      if (!values[i]) continue;
      if (bytes == 4) {
        memcpy(line + 4 * i, values[i] + d, 4);
      } else {
        memcpy(line + 4 * i, values[i] + d, bytes);
      }
    }
  }
}

static void pack_panel(const er_weights_s8 *weights, int32_t first, bool in_order, panel *to) {
  const int32_t left = weights->units - first, tiles = left <= LANES ? 1 : 2;
  const int8_t *values[UNITS] = {NULL};
  for (int32_t slot = 0; slot < tiles * LANES; slot++) {
    const int32_t unit = er_unit_of_slot(LANES, tiles == 2 && !in_order, slot);
    if (unit >= left) continue;
    const int64_t at = (int64_t)(first + unit) * weights->depth;
    to->bias[slot] = er_bias_less_zero_point(weights, first + unit, at, 1);
    to->scale[slot] = weights->scale[first + unit];
    values[slot] = weights->values + at;
  }
  for (int32_t t = 0; t < tiles; t++) {
    pack_tiles(values + t * LANES, weights->depth, (size_t)tiles * TILE, to->weights + t * TILE);
  }
}

static void pack_panels(const er_weights_s8 *weights, bool in_order, void *packed) {
  char *to = packed;
  for (int32_t u = 0; u < weights->units; u += UNITS, to += panel_bytes(weights->depth)) {
    pack_panel(weights, u, in_order, (panel *)(void *)to);
  }
}

static void pack(const er_weights_s8 *weights, void *packed) {
  pack_panels(weights, false, packed);
}

static void pack_in_order(const er_weights_s8 *weights, void *packed) {
  pack_panels(weights, true, packed);
}

/* ---- two tiles of rows times a panel --------------------------------------------------------- */

/* Tiles of the processor: sums [row tile][unit tile], rows, weights. */
#define SUMS00 0
#define SUMS01 1
#define SUMS10 2
#define SUMS11 3
#define ROWS0 4
#define ROWS1 5
#define WEIGHTS0 6
#define WEIGHTS1 7

/* Two whole tiles of rows times a whole panel, whose sums become bytes two rows at a time, while
 * the next tiles are multiplied. */
typedef struct waiting {
  const int32_t *sums; /* [twos][2][UNITS] by slot */
  int32_t twos;        /* left */
  int8_t *to, *second; /* where the next row goes, and the first one of the second tile */
  const float *scale;
} waiting;

typedef struct task {
  const er_gemm_s8_call *call;
  er_plain_sums plain;
  er_avx512_range range;
  int32_t height;         /* rows of a tile */
  const int8_t *input[2]; /* first rows of both tiles */
  int32_t row[2];         /* of the call */
  const panel *panel;
  int32_t unit, units; /* the first one; how many to store */
  /* Weights of later panels, fetched meanwhile. */
  const char *ahead, *ahead_end;
  int32_t ahead_lines; /* at each step of the depth */
  int32_t twos;        /* to settle at each step */
  waiting waiting;
  _Alignas(64) int32_t sums[2][ROWS * UNITS]; /* of both tiles */
} task;

/* From sums to bytes. @param sums [height][UNITS] */
static void settle(const task *t, int32_t row, const int tiles, const int32_t *sums) {
  const er_gemm_s8_call *c = t->call;
  int8_t *to = c->output + row * c->output_stride + t->unit;
  for (int32_t r = 0; r < t->height; r++, sums += UNITS, to += c->output_stride) {
    const __m512i v0 = _mm512_load_si512(sums), v1 = _mm512_load_si512(sums + LANES);
    if (tiles == 2) {
      er_avx512_store_pair(v0, v1, t->panel->scale, t->range, t->units, to);
    } else {
      er_avx512_store_one(v0, t->panel->scale, t->range, t->units, to);
    }
  }
}

/* What settles whole rows, in registers. */
typedef struct settling {
  __m512 scale0, scale1, most;
  __m512i zero_point, low, rows; /* rows: brings together the bytes of each of two rows */
} settling;

static ER_ALWAYS_INLINE settling settling_of(const task *t) {
  const float *scale = t->waiting.scale;
  return (settling){_mm512_loadu_ps(scale),
                    _mm512_loadu_ps(scale + LANES),
                    t->range.most,
                    t->range.zero_point,
                    _mm512_broadcast_i64x4(t->range.low),
                    _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7)};
}

/* A row as int16. No value is above what the range allows. */
static ER_ALWAYS_INLINE __m512i narrow(const settling *s, const int32_t *sums) {
  const __m512i v0 = er_avx512_round(_mm512_load_si512(sums), s->scale0, s->most);
  const __m512i v1 = er_avx512_round(_mm512_load_si512(sums + LANES), s->scale1, s->most);
  return _mm512_adds_epi16(_mm512_packs_epi32(v0, v1), s->zero_point);
}

static ER_ALWAYS_INLINE void settle_two(const settling *s, int64_t stride, waiting *w) {
  const __m512i mixed = _mm512_packs_epi16(narrow(s, w->sums), narrow(s, w->sums + UNITS));
  const __m512i bytes = _mm512_max_epi8(_mm512_permutexvar_epi64(s->rows, mixed), s->low);
  _mm256_storeu_si256((void *)w->to, _mm512_castsi512_si256(bytes));
  _mm256_storeu_si256((void *)(w->to + stride), _mm512_extracti64x4_epi64(bytes, 1));
  w->sums += 2 * UNITS;
  w->twos--;
  w->to = w->twos == ROWS / 2 ? w->second : w->to + 2 * stride;
}

static void settle_waiting(task *t) {
  if (t->waiting.twos == 0) return;
  const settling s = settling_of(t);
  while (t->waiting.twos > 0) settle_two(&s, t->call->output_stride, &t->waiting);
}

/* Where the plain sums of a tile of rows go. */
static int32_t *plain_at(const task *t, int32_t which) {
  return t->plain.to + t->row[which] * t->plain.stride + t->unit - t->call->first;
}

/* Plain sums of fewer units than the tiles have. */
static void store_part(const task *t, int32_t which) {
  int32_t *to = plain_at(t, which);
  for (int32_t r = 0; r < t->height; r++, to += t->plain.stride) {
    memcpy(to, t->sums[which] + r * UNITS, (size_t)t->units * sizeof *to);
  }
}

/* The sums of one or two tiles of rows. */
static ER_ALWAYS_INLINE void finish(task *t, const int row_tiles, const int unit_tiles) {
  const er_gemm_s8_call *c = t->call;
  const bool whole = row_tiles == 2 && unit_tiles == 2 && t->height == ROWS && t->units >= UNITS;
  if (whole) {
    int8_t *to = c->output + t->unit;
    t->waiting = (waiting){t->sums[0], ROWS, to + t->row[0] * c->output_stride,
                           to + t->row[1] * c->output_stride, t->panel->scale};
    return;
  }
  t->waiting.twos = 0;
  for (int32_t i = 0; i < row_tiles; i++) settle(t, t->row[i], unit_tiles, t->sums[i]);
}

static ER_ALWAYS_INLINE void fetch_ahead(task *t) {
  for (int32_t i = 0; i < t->ahead_lines && t->ahead < t->ahead_end; i++, t->ahead += LINE) {
    _mm_prefetch(t->ahead, _MM_HINT_T1);
  }
}

/* The numbers of tiles are constants. */
static ER_ALWAYS_INLINE void multiply(task *t, const int row_tiles, const int unit_tiles) {
  const er_gemm_s8_call *c = t->call;
  const int32_t segments = c->segments > 1 ? c->segments : 1, segment = c->depth / segments;
  const int8_t *weights = t->panel->weights, *x0 = t->input[0], *x1 = t->input[row_tiles - 1];
  const settling settling = settling_of(t);
  waiting w = t->waiting;
  _tile_loadd(SUMS00, t->panel->bias, 0);
  if (unit_tiles > 1) _tile_loadd(SUMS01, t->panel->bias + LANES, 0);
  if (row_tiles > 1) _tile_loadd(SUMS10, t->panel->bias, 0);
  if (row_tiles > 1 && unit_tiles > 1) _tile_loadd(SUMS11, t->panel->bias + LANES, 0);
  for (int32_t s = 0; s < segments; s++, x0 += c->segment_stride, x1 += c->segment_stride) {
    for (int32_t d = 0; d < segment; d += STEP, weights += unit_tiles * TILE) {
      _tile_loadd(WEIGHTS0, weights, STEP);
      _tile_loadd(ROWS0, x0 + d, c->input_stride);
      _tile_dpbssd(SUMS00, ROWS0, WEIGHTS0);
      if (unit_tiles > 1) {
        _tile_loadd(WEIGHTS1, weights + TILE, STEP);
        _tile_dpbssd(SUMS01, ROWS0, WEIGHTS1);
      }
      if (row_tiles > 1) {
        _tile_loadd(ROWS1, x1 + d, c->input_stride);
        _tile_dpbssd(SUMS10, ROWS1, WEIGHTS0);
      }
      if (row_tiles > 1 && unit_tiles > 1) _tile_dpbssd(SUMS11, ROWS1, WEIGHTS1);
      for (int32_t i = t->twos; i > 0 && w.twos > 0; i--) {
        settle_two(&settling, c->output_stride, &w);
      }
      fetch_ahead(t);
    }
  }
  const bool direct = t->plain.to && t->units >= unit_tiles * LANES;
  int32_t *to0 = direct ? plain_at(t, 0) : t->sums[0];
  int32_t *to1 = direct && row_tiles > 1 ? plain_at(t, 1) : t->sums[1];
  const int64_t stride = (direct ? t->plain.stride : UNITS) * (int64_t)sizeof(int32_t);
  _tile_stored(SUMS00, to0, stride);
  if (unit_tiles > 1) _tile_stored(SUMS01, to0 + LANES, stride);
  if (row_tiles > 1) _tile_stored(SUMS10, to1, stride);
  if (row_tiles > 1 && unit_tiles > 1) _tile_stored(SUMS11, to1 + LANES, stride);
  if (!t->plain.to) {
    finish(t, row_tiles, unit_tiles);
  } else if (!direct) {
    for (int32_t i = 0; i < row_tiles; i++) store_part(t, i);
  }
}

static void multiply_11(task *t) { multiply(t, 1, 1); }
static void multiply_12(task *t) { multiply(t, 1, 2); }
static void multiply_21(task *t) { multiply(t, 2, 1); }
static void multiply_22(task *t) { multiply(t, 2, 2); }

static void (*const multiply_tiles[2][2])(task *t) = {{multiply_11, multiply_12},
                                                      {multiply_21, multiply_22}};

/* ---- the whole product ----------------------------------------------------------------------- */

/* The tiles of some lines of the call. The last one of a line begins `height` rows before its end,
 * where the one before it may have been: no row behind the line is read. */
typedef struct tiling {
  int32_t width, height; /* rows: of these lines, of a tile */
  int32_t across;        /* tiles of a line */
  int32_t first, last;   /* tiles */
} tiling;

static void place(const tiling *all, int32_t tile, int32_t which, task *t) {
  const er_gemm_s8_call *c = t->call;
  const int32_t line = tile / all->across, at = tile % all->across * ROWS;
  const int32_t x = at < all->width - all->height ? at : all->width - all->height;
  t->row[which] = line * c->width + x;
  t->input[which] = c->input + line * c->line_stride + x * c->input_stride;
}

static int32_t units_of_block(int32_t depth) {
  const size_t panels = BLOCK_BYTES / panel_bytes(depth);
  return UNITS * (panels < 1 ? 1 : (int32_t)panels);
}

/* Pairs of tiles times the panels of units [first, last). */
static void multiply_block(const tiling *all, int32_t first, int32_t last, task *t) {
  const er_gemm_s8_call *c = t->call;
  for (int32_t tile = all->first; tile < all->last; tile += 2) {
    const bool pair = tile + 1 < all->last;
    place(all, tile, 0, t);
    if (pair) place(all, tile + 1, 1, t);
    for (t->unit = first; t->unit < last; t->unit += UNITS) {
      const char *panels = c->packed;
      t->panel = (const void *)(panels + (size_t)(t->unit / UNITS) * panel_bytes(c->depth));
      t->units = last - t->unit;
      multiply_tiles[pair][c->units - t->unit > LANES](t);
    }
  }
}

/* Fetch the next block, or behind the last one what the call says, while the panels of units
 * [first, last) are multiplied. */
static void plan_ahead(const tiling *all, int32_t first, int32_t last, task *t) {
  const er_gemm_s8_call *c = t->call;
  const size_t bytes = panel_bytes(c->depth);
  const int64_t panels = (last - first + UNITS - 1) / UNITS;
  const int64_t steps = (all->last - all->first + 1) / 2 * panels * steps_of(c->depth);
  const int64_t next = (c->last - last + UNITS - 1) / UNITS; /* panels that are left */
  const bool behind = next == 0 && c->ahead;
  const int64_t fetched =
      behind ? c->ahead_bytes : (int64_t)bytes * (next < panels ? next : panels);
  t->ahead = behind ? c->ahead : (const char *)c->packed + (size_t)(last / UNITS) * bytes;
  t->ahead_end = t->ahead + fetched;
  t->ahead_lines = (int32_t)((fetched / LINE + steps - 1) / steps);
}

/* @param width rows of each line; only the last one of a call may be shorter than the others */
static void multiply_lines(task *t, int32_t first, int32_t count, int32_t width) {
  const er_gemm_s8_call *c = t->call;
  const int32_t block = units_of_block(c->depth), across = (width + ROWS - 1) / ROWS;
  t->height = width < ROWS ? width : ROWS;
  const tiling all = {width, t->height, across, first * across, (first + count) * across};
  er_amx_configure(t->height);
  for (int32_t unit = c->first; unit < c->last; unit += block) {
    const int32_t end = c->last - unit < block ? c->last : unit + block;
    plan_ahead(&all, unit, end, t);
    multiply_block(&all, unit, end, t);
  }
  settle_waiting(t);
  _tile_release();
}

/* Whole lines, and what is left of one. */
static void multiply_all(const er_gemm_s8_call *c, er_plain_sums plain) {
  task t = {.call = c, .plain = plain, .range = er_avx512_range_of(c->range)};
  t.waiting.scale = ((const panel *)c->packed)->scale;
  t.twos = (int32_t)((ROWS + steps_of(c->depth) - 1) / steps_of(c->depth));
  const int32_t width = c->width > 0 ? c->width : c->rows;
  const int32_t lines = c->rows / width, left = c->rows % width;
  if (lines > 0) multiply_lines(&t, 0, lines, width);
  if (left > 0) multiply_lines(&t, lines, 1, left);
}

static void run(const er_gemm_s8_call *c) { multiply_all(c, (er_plain_sums){NULL, 0}); }

static void sums(const er_gemm_s8_call *c, int32_t *to, int64_t stride) {
  multiply_all(c, (er_plain_sums){to, stride});
}

const er_gemm_s8 er_gemm_s8_amx = {.name = "gemm_s8_amx",
                                   .unit_step = UNITS,
                                   .row_step = 2 * ROWS,
                                   .segment_step = STEP,
                                   .line_step = ROWS,
                                   .pads = true,
                                   .packed_bytes = packed_bytes,
                                   .pack = pack,
                                   .run = run};

const er_gemm_s8 er_gemm_sums_amx = {.name = "gemm_s8_amx",
                                     .unit_step = UNITS,
                                     .row_step = 2 * ROWS,
                                     .segment_step = STEP,
                                     .line_step = ROWS,
                                     .pads = true,
                                     .packed_bytes = packed_bytes,
                                     .pack = pack_in_order,
                                     .sums = sums};
