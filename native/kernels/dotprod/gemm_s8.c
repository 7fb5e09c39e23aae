/* int8 gemm with dot products: a panel holds 8 units, four products of a unit side by side, and
 * SDOT by lane takes the four bytes of a row that they meet. */
#include "kernels/dotprod/eight_units.h"
#include "kernels/dotprod/layer.h"
#include "kernels/neon/panels.h"
#include "kernels/neon/store.h"

enum { UNITS = 8, ROWS = 8, MOST_ROWS = 9, STEP = 4 };
enum { BLOCK = 16 }; /* depth that one load of a row covers */

typedef struct er_panel {
  er_eight_units units;
  int32_t how; /* er_settling */
  int32_t unused[3];
  int8_t weights[][2][16]; /* [steps of depth, even in number][4 units each] */
} er_panel;

static const enum er_settling settled_ways[] = {ER_ONE_FMA, ER_FMA_ADD, ER_FMA_ADD_ODD,
                                                ER_SATURATED};

static size_t panel_bytes(int64_t depth) {
  return sizeof(er_panel) + ((size_t)depth + 2 * STEP - 1) / (2 * STEP) * (2 * STEP * UNITS);
}

static size_t packed_bytes(int32_t units, int32_t depth) {
  return ((size_t)units + UNITS - 1) / UNITS * panel_bytes(depth);
}

static void pack_unit(const er_unit *unit, int32_t depth, int32_t u, er_panel *panel) {
  er_set_unit(unit, panel->how, u, &panel->units);
  for (int32_t d = 0; d < depth && unit->values; d++) {
    panel->weights[d / STEP][u / 4][u % 4 * STEP + d % STEP] = unit->values[d];
  }
}

/* @param ways in which the sums may be settled, best first */
static void pack_panels(const er_weights_s8 *w, const enum er_settling *ways, void *packed) {
  for (int32_t first = 0; first < w->units; first += UNITS) {
    er_panel *panel =
        (er_panel *)((char *)packed + (size_t)(first / UNITS) * panel_bytes(w->depth));
    const int32_t count = w->units - first < UNITS ? w->units - first : UNITS;
    er_unit units[UNITS];
    panel->how = er_units_of(w, first, count, w->depth, 1, ways, units);
    for (int32_t u = 0; u < count; u++) pack_unit(&units[u], w->depth, u, panel);
  }
}

static void pack(const er_weights_s8 *w, void *packed) { pack_panels(w, settled_ways, packed); }

/* vdotq_laneq_s32; but of some sums that a loop carries gcc makes copies. */
#define ADD_DOTS(sum, w, a, lane) \
  __asm__("sdot %0.4s, %1.16b, %2.4b[" #lane "]" : "+w"(sum) : "w"(w), "w"(a))

/* Two vectors by one instruction, which also moves the pointer on behind them. */
#define TAKE_PAIR(a, b, from) \
  __asm__ volatile("ldp %q0, %q1, [%2], 32" : "=w"(a), "=w"(b), "+r"(from) : "m"(*from))

/* STEP products for each row and unit. @param lane of the rows' vectors that holds them */
#define MULTIPLY(lane)                         \
  {                                            \
    int8x16_t w0, w1;                          \
    TAKE_PAIR(w0, w1, weights);                \
    ER_UNROLL for (int r = 0; r < rows; r++) { \
      ADD_DOTS(acc[r][0], w0, a[r], lane);     \
      ADD_DOTS(acc[r][1], w1, a[r], lane);     \
    }                                          \
  }

ER_INLINE void load_rows(const int rows, const int8_t *const *input, int64_t d, int8x16_t *a) {
  ER_UNROLL for (int r = 0; r < rows; r++) a[r] = vld1q_s8(input[r] + d);
}

ER_INLINE void start(const int rows, const er_panel *panel, int32x4_t acc[MOST_ROWS][2]) {
  ER_UNROLL for (int r = 0; r < rows; r++) er_start(&panel->units, acc[r]);
}

/* @return behind the last row */
ER_INLINE int8_t *settle_rows(const int rows, const enum er_settling how, const er_panel *panel,
                              const int32x4_t acc[MOST_ROWS][2], const er_settle_neon *settle,
                              const int64_t strides[5], int8_t *to) {
  float32x4_t scale[2];
  int8x8_t q[MOST_ROWS];
  ER_AGAIN(settle); /* its vectors would take registers of the loop's */
  er_load_scale(&panel->units, scale);
  ER_UNROLL for (int r = 0; r < rows; r++) {
    q[r] = er_settle_eight(how, &panel->units, scale, acc[r], settle);
  }
  ER_UNROLL for (int r = 0; r < rows; r++) {
    vst1_s8(to + strides[r % 4], q[r]);
    if (r % 4 == 3 || r + 1 == rows) to += strides[r % 4 + 1];
  }
  return to;
}

/* What is rare, or asks for the sums themselves: once for all numbers of rows. */
static __attribute__((noinline)) int8_t *settle_sums(int rows, const er_panel *panel,
                                                     int32_t sums[MOST_ROWS][UNITS],
                                                     const er_settle_neon *settle, int64_t stride,
                                                     int8_t *to) {
  float32x4_t scale[2];
  er_load_scale(&panel->units, scale);
  for (int r = 0; r < rows; r++, to += stride) {
    const int32x4_t acc[] = {vld1q_s32(sums[r]), vld1q_s32(sums[r] + 4)};
    if (panel->how == ER_PLAIN) {
      vst1q_s32((int32_t *)(void *)to, acc[0]);
      vst1q_s32((int32_t *)(void *)to + 4, acc[1]);
    } else {
      vst1_s8(to, er_settle_eight(ER_SATURATED, &panel->units, scale, acc, settle));
    }
  }
  return to;
}

/* A branch for each tile, so that one loop serves all ways. */
ER_INLINE int8_t *settle_any(const int rows, const er_panel *panel,
                             const int32x4_t acc[MOST_ROWS][2], const er_settle_neon *settle,
                             const int64_t strides[5], int8_t *to) {
#define WAY(way) \
  if (panel->how == way) return settle_rows(rows, way, panel, acc, settle, strides, to);
  WAY(ER_FMA_ADD)
  WAY(ER_FMA_ADD_ODD)
#undef WAY
  int32_t sums[MOST_ROWS][UNITS];
  ER_UNROLL for (int r = 0; r < rows; r++) {
    vst1q_s32(sums[r], acc[r][0]);
    vst1q_s32(sums[r] + 4, acc[r][1]);
  }
  return settle_sums(rows, panel, sums, settle, strides[1], to);
}

/* The last steps of a row. @param left of its depth, 1..BLOCK; behind it weights are 0 */
ER_INLINE void multiply_rest(const int rows, const int8_t *const *input, int64_t d, int64_t left,
                             const int8_t (*weights)[2][16], int32x4_t acc[MOST_ROWS][2]) {
  int8x16_t a[MOST_ROWS];
  load_rows(rows, input, d, a);
  MULTIPLY(0)
  MULTIPLY(1)
  if (left > 2 * STEP) MULTIPLY(2)
  if (left > 3 * STEP) MULTIPLY(3)
}

/* Tiles by what they need: but for the last, they have no branch besides those of their loops. */
enum tile_kind {
  WHOLE,  /* rows of one piece and whole blocks; one FMLA settles them, as is most common */
  PART,   /* the same of one piece that ends within a block */
  PIECES, /* the same of pieces of whole blocks */
  ANY
};

/* @param at bytes from the first rows of the task, at `input`, to this tile's */
ER_INLINE int8_t *tile(const int rows, const er_strip s, const enum tile_kind kind,
                       const er_settle_neon *settle, const int8_t *const *input, int64_t at,
                       const int64_t strides[5], int8_t *to) {
  const er_panel *panel = s.panel;
  ER_AGAIN(panel); /* else addresses in it are kept from tile to tile, but not in registers */
  const int8_t(*weights)[2][16] = panel->weights;
  int32x4_t acc[MOST_ROWS][2];
  int8x16_t a[MOST_ROWS];
  int64_t d = at, last = at + s.segment - BLOCK; /* of d, in a piece */
  start(rows, panel, acc);
  for (int32_t left = s.pieces;;) {
    do {
      load_rows(rows, input, d, a);
      MULTIPLY(0)
      MULTIPLY(1)
      MULTIPLY(2)
      MULTIPLY(3)
      d += BLOCK;
      ER_AGAIN(d); /* else it is kept twice, and moved */
    } while (d <= last);
    if (kind == WHOLE || (kind == ANY && !s.goes_on)) goto settled;
    if (kind == PART || --left == 0) break;
    d += s.gap;
    last += s.gap + s.segment;
  }
  const int64_t rest = last + BLOCK - d;
  if (kind == PART || (kind == ANY && rest > 0)) {
    multiply_rest(rows, input, d, rest, weights, acc);
  }
settled:
  if (kind == ANY) return settle_any(rows, panel, acc, settle, strides, to);
  return settle_rows(rows, ER_ONE_FMA, panel, acc, settle, strides, to);
}

/* The same for rows that are shorter than a block. */
ER_INLINE int8_t *short_tile(const int rows, const er_strip s, const er_settle_neon *settle,
                             const int8_t *const *input, int64_t at, const int64_t strides[5],
                             int8_t *to) {
  const er_panel *panel = s.panel;
  int32x4_t acc[MOST_ROWS][2];
  start(rows, panel, acc);
  multiply_rest(rows, input, at, s.depth, panel->weights, acc);
  if (panel->how != ER_ONE_FMA) return settle_any(rows, panel, acc, settle, strides, to);
  return settle_rows(rows, ER_ONE_FMA, panel, acc, settle, strides, to);
}

ER_INLINE void point_at_rows(const int8_t *from, int64_t stride, int32_t count,
                             const int8_t *input[MOST_ROWS]) {
  const int64_t step = count > 1 ? stride : 0; /* of a single row it may be anything */
  ER_UNROLL for (int r = 0; r < MOST_ROWS; r++) input[r] = from + r * step;
}

ER_INLINE void multiply_stride(int64_t stride, int64_t strides[5]) {
  ER_UNROLL for (int r = 0; r < 5; r++) {
    strides[r] = r * stride;
    if (r == 2 || r == 3) ER_AGAIN(strides[r]); /* else it is added up again for each tile */
  }
}

#define PREPARE                                               \
  const int8_t *input[MOST_ROWS];                             \
  int64_t strides[5];                                         \
  point_at_rows(task->input, s.input_stride, s.width, input); \
  multiply_stride(s.output_stride, strides)
#define TILES(n, condition, tile, ...)                                  \
  for (; left >= n && (condition); left -= n, at += n * s.input_stride) \
    to = tile(n, s, __VA_ARGS__ task->settle, input, at, strides, to);
/* Tiles of 9 and 7 rows come first, where 1, 6 or 7 rows would be left of those of 8. */
#define LINE(kind)                           \
  if (0xC2 >> left % ROWS & 1) {             \
    TILES(9, left % ROWS == 1, tile, kind, ) \
    TILES(7, left % ROWS >= 6, tile, kind, ) \
  }                                          \
  TILES(ROWS, true, tile, kind, )            \
  if (left == 0) continue;                   \
  TILES(4, true, tile, kind, )               \
  TILES(2, true, tile, kind, )               \
  TILES(1, true, tile, kind, )
/* The same for what is rarer, in less code. */
#define RARE_LINE(kind)           \
  TILES(ROWS, true, tile, kind, ) \
  TILES(4, true, tile, kind, )    \
  TILES(1, true, tile, kind, )
ER_RUN_ROWS(
    run_rows, UNITS, panel_bytes(s.depth), PREPARE,
    const bool one_fma = ((const er_panel *)s.panel)->how == ER_ONE_FMA;
    if (s.depth < BLOCK) {
      TILES(4, true, short_tile, )
      TILES(1, true, short_tile, )
    } else if (!one_fma) { LINE(ANY) } else if (!s.goes_on) {
      LINE(WHOLE)
    } else if (s.pieces == 1) { RARE_LINE(PART) } else {RARE_LINE(PIECES)})

static void run(const er_gemm_s8_call *c) {
  er_for_panels(c, (er_panels){UNITS, ROWS, panel_bytes(c->depth), run_rows, NULL});
}

const er_gemm_s8 er_gemm_s8_dotprod = {.name = "gemm_s8_dotprod",
                                       .unit_step = UNITS,
                                       .row_step = ROWS,
                                       .segment_step = BLOCK,
                                       .line_step = 4,
                                       .packed_bytes = packed_bytes,
                                       .pack = pack,
                                       .run = run};

static void pack_plain(const er_weights_s8 *w, void *packed) {
  pack_panels(w, (const enum er_settling[]){ER_PLAIN}, packed);
}

static void sums(const er_gemm_s8_call *c, int32_t *sums, int64_t sums_stride) {
  const er_panels panels = {UNITS, ROWS, panel_bytes(c->depth), run_rows, NULL};
  er_sums_for_panels(c, panels, sums, sums_stride);
}

const er_gemm_s8 er_gemm_sums_dotprod = {.name = "gemm_s8_dotprod",
                                         .unit_step = UNITS,
                                         .row_step = ROWS,
                                         .packed_bytes = packed_bytes,
                                         .pack = pack_plain,
                                         .sums = sums};
