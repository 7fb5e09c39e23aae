/* int8 gemm with dot products: a panel holds 8 units, four products of a unit side by side, and
 * SDOT by lane takes the four bytes of a row that they meet. */
#include "kernels/dotprod/eight_units.h"
#include "kernels/dotprod/layer.h"
#include "kernels/neon/panels.h"
#include "kernels/neon/store.h"

enum { UNITS = 8, ROWS = 8, STEP = 4 };
enum { EDGE = ROWS / 2 }; /* rows at each end of a line of which tiles of their own are made */
enum { BLOCK = 16 };      /* depth that one load of a row covers */

typedef struct er_panel {
  er_eight_units units;
  int32_t how;  /* er_settling */
  int32_t idle; /* units without weights: bits 1 << unit */
  int32_t unused[2];
  int8_t weights[][2][16]; /* [steps of depth, even in number][4 units each] */
} er_panel;

static const enum er_settling settled_ways[] = {ER_ONE_FMA, ER_FMA_ADD, ER_FMA_ADD_ODD,
                                                ER_SATURATED};
/* Of rows shorter than a block, where the others are too rare for code of their own. */
static const enum er_settling short_ways[] = {ER_ONE_FMA, ER_SATURATED};
/* Sets of ways, of which a function takes the panels. */
enum { ONE = 1 << ER_ONE_FMA, ADD = 1 << ER_FMA_ADD | 1 << ER_FMA_ADD_ODD };
enum { OTHERS = 1 << ER_SATURATED | 1 << ER_PLAIN };

static size_t panel_bytes(int64_t depth) {
  return sizeof(er_panel) + ((size_t)depth + 2 * STEP - 1) / (2 * STEP) * (2 * STEP * UNITS);
}

static size_t packed_bytes(int32_t units, int32_t depth) {
  return ((size_t)units + UNITS - 1) / UNITS * panel_bytes(depth);
}

static void pack_unit(const er_unit *unit, int32_t depth, int32_t u, er_panel *panel) {
  er_set_unit(unit, panel->how, u, &panel->units);
  if (!unit->values) panel->idle |= 1 << u;
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

static void pack(const er_weights_s8 *w, void *packed) {
  pack_panels(w, w->depth < BLOCK ? short_ways : settled_ways, packed);
}

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

/* BLOCK * rows * UNITS products. Without ER_AGAIN d would be kept twice, and moved. */
#define MULTIPLY_BLOCK            \
  {                               \
    load_rows(rows, input, d, a); \
    MULTIPLY(0)                   \
    MULTIPLY(1)                   \
    MULTIPLY(2)                   \
    MULTIPLY(3)                   \
    d += BLOCK;                   \
    ER_AGAIN(d);                  \
  }

ER_INLINE void start(const int rows, const er_panel *panel, int32x4_t acc[ROWS][2]) {
  ER_UNROLL for (int r = 0; r < rows; r++) er_start(panel->units.start, acc[r]);
}

/* @return behind the last row */
ER_INLINE int8_t *settle_rows(const int rows, const enum er_settling how, const er_panel *panel,
                              const int32x4_t acc[ROWS][2], const er_settle_neon *settle,
                              const int64_t strides[5], int8_t *to) {
  float32x4_t scale[2];
  int8x8_t q[ROWS];
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
static __attribute__((noinline)) void settle_sums(int rows, const er_panel *panel,
                                                  int32_t (*sums)[UNITS],
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
}

/* @param ways of the panels that come here */
ER_INLINE int8_t *settle_tile(const int rows, const int ways, const er_panel *panel,
                              const int32x4_t acc[ROWS][2], const er_settle_neon *settle,
                              const int64_t strides[5], int8_t *to) {
  if (ways == ONE || (ways & ONE && panel->how == ER_ONE_FMA)) {
    return settle_rows(rows, ER_ONE_FMA, panel, acc, settle, strides, to);
  }
  if (ways & ADD && panel->how == ER_FMA_ADD_ODD) {
    return settle_rows(rows, ER_FMA_ADD_ODD, panel, acc, settle, strides, to);
  }
  if (ways & ADD && (!(ways & OTHERS) || panel->how == ER_FMA_ADD)) {
    return settle_rows(rows, ER_FMA_ADD, panel, acc, settle, strides, to);
  }
  int32_t sums[ROWS][UNITS];
  ER_UNROLL for (int r = 0; r < rows; r++) {
    vst1q_s32(sums[r], acc[r][0]);
    vst1q_s32(sums[r] + 4, acc[r][1]);
  }
  ER_UNROLL for (int r = 0; r < rows; r += 4) {
    settle_sums(rows < 4 ? rows : 4, panel, sums + r, settle, strides[1], to);
    to += strides[rows < 4 ? rows : 4];
  }
  return to;
}

/* The last steps of a row. @param left of its depth, 1..BLOCK; behind it weights are 0 */
ER_INLINE void multiply_rest(const int rows, const int8_t *const *input, int64_t d, int64_t left,
                             const int8_t (*weights)[2][16], int32x4_t acc[ROWS][2]) {
  int8x16_t a[ROWS];
  load_rows(rows, input, d, a);
  MULTIPLY(0)
  MULTIPLY(1)
  if (left > 2 * STEP) MULTIPLY(2)
  if (left > 3 * STEP) MULTIPLY(3)
}

/* What the rows of a tile are. But for the last, no branch depends on them besides those of loops.
 */
enum tile_depth {
  WHOLE,  /* one piece of whole blocks */
  PART,   /* one piece that ends within a block */
  PIECES, /* of whole blocks */
  ANY     /* also less than a block */
};

/* @param at bytes from the first rows of the task, at `input`, to this tile's */
ER_INLINE int8_t *tile(const int rows, const enum tile_depth depth, const int ways,
                       const er_strip s, const er_settle_neon *settle, const er_panel *panel,
                       const int8_t (*weights)[2][16], const int8_t *const *input, int64_t at,
                       const int64_t strides[5], int8_t *to) {
  ER_AGAIN(panel); /* else addresses in it are kept from tile to tile, but not in registers */
  int32x4_t acc[ROWS][2];
  int8x16_t a[ROWS];
  int64_t d = at, last = at + s.segment - BLOCK; /* of d, in a piece */
  start(rows, panel, acc);
  for (int32_t left = s.pieces; depth != ANY || s.depth >= BLOCK;) {
    do MULTIPLY_BLOCK while (d <= last);
    if (depth == WHOLE || depth == PART || (depth == ANY && left == 1)) break;
    d += s.gap;
    last += s.gap + s.segment;
    if (--left == 0) break;
  }
  const int64_t rest = last + BLOCK - d;
  if (depth == PART || (depth == ANY && rest > 0)) {
    multiply_rest(rows, input, d, rest, weights, acc);
  }
  return settle_tile(rows, ways, panel, acc, settle, strides, to);
}

ER_INLINE void point_at_rows(const int8_t *from, int64_t stride, int32_t count,
                             const int8_t *input[ROWS]) {
  const int64_t step = count > 1 ? stride : 0; /* of a single row it may be anything */
  ER_UNROLL for (int r = 0; r < ROWS; r++) {
    input[r] = from + r * step;
    ER_AGAIN(input[r]); /* else some are added up again in the loop */
  }
}

ER_INLINE void multiply_stride(int64_t stride, int64_t strides[5]) {
  ER_UNROLL for (int r = 0; r < 5; r++) {
    strides[r] = r * stride;
    if (r == 2 || r == 3) ER_AGAIN(strides[r]); /* else it is added up again for each tile */
  }
}

#define TILES(n, condition, ...)                                        \
  for (; left >= n && (condition); left -= n, at += n * s.input_stride) \
    to = tile(n, __VA_ARGS__, s, task->settle, panel, weights, input, at, strides, to);
/* Tiles of 7 rows come first where 8 rows and 7 add up to all. */
#define LINE(...)                                                        \
  TILES(7, left % ROWS && left >= 7 * (ROWS - left % ROWS), __VA_ARGS__) \
  TILES(ROWS, true, __VA_ARGS__)                                         \
  if (left == 0) continue;                                               \
  TILES(4, true, __VA_ARGS__)                                            \
  TILES(1, true, __VA_ARGS__)
/* The same for what is rarer, in less code. */
#define RARE_LINE(...)           \
  TILES(ROWS, true, __VA_ARGS__) \
  TILES(4, true, __VA_ARGS__)    \
  TILES(1, true, __VA_ARGS__)
#define SHORT_LINE(...)       \
  TILES(4, true, __VA_ARGS__) \
  TILES(1, true, __VA_ARGS__)

/* Where sums of a panel start some of whose parts are given. They may wrap.
 * @param instead [UNITS]; NULL: none are */
static void cut_start(const er_panel *panel, const int32_t *instead, int32_t start[UNITS]) {
  const int32x4_t bits = {1, 2, 4, 8};
  ER_UNROLL for (int at = 0; at < UNITS; at += 4) {
    int32x4_t sums = vld1q_s32(panel->units.start + at);
    const int32x4_t idle = vreinterpretq_s32_u32(vtstq_s32(vdupq_n_s32(panel->idle >> at), bits));
    if (instead) sums = vaddq_s32(sums, vbicq_s32(vld1q_s32(instead + at), idle));
    vst1q_s32(start + at, sums);
  }
}

/* @param[out] cut a panel's head with another start  @return `cut` */
static const er_panel *cut_panel(const er_panel *panel, const int32_t *instead, er_panel *cut) {
  *cut = *panel;
  cut_start(panel, instead, cut->units.start);
  return cut;
}

/* @return from the task's first unit on */
static const int32_t *instead_of(const er_panel_task *task, const int32_t *instead) {
  return instead ? instead + task->first : NULL;
}

/* @param taken the ways of the panels that it takes, a part of those that it is made for */
typedef void panels_function(const er_panel_task *task, const er_strip *strip, int taken);

#define PANELS(name, line, form, ways)                                               \
  static void name(const er_panel_task *task, const er_strip *strip, int taken) {    \
    const er_strip s = *strip;                                                       \
    const char *packed = s.panel;                                                    \
    const int32_t *instead = instead_of(task, task->call->instead);                  \
    const int8_t *input[ROWS];                                                       \
    int64_t strides[5];                                                              \
    int8_t *output = task->output;                                                   \
    er_panel cut;                                                                    \
    point_at_rows(task->input, s.input_stride, s.width, input);                      \
    multiply_stride(s.output_stride, strides);                                       \
    for (int32_t units = task->units; units > 0; units -= UNITS, output += UNITS) {  \
      const er_panel *panel = (const er_panel *)(const void *)packed;                \
      const int8_t(*weights)[2][16] = panel->weights + s.skipped / STEP;             \
      int8_t *to = output;                                                           \
      int64_t next = 0;                                                              \
      const int32_t lines = taken >> panel->how & 1 ? task->rows : 0;                \
      if (instead) panel = cut_panel(panel, instead, &cut), instead += UNITS;        \
      for (int32_t rows = lines; rows > 0; rows -= s.width, next += s.line_stride) { \
        int32_t left = rows < s.width ? rows : s.width;                              \
        int64_t at = next;                                                           \
        if (form >= PIECES && rows < lines) to += task->beyond;                      \
        line(form, ways)                                                             \
      }                                                                              \
      packed += panel_bytes(s.depth);                                                \
    }                                                                                \
  }
PANELS(part_one_fma, RARE_LINE, PART, ONE)
PANELS(part_fma_add, RARE_LINE, PART, ADD)
PANELS(whole_one_fma, LINE, WHOLE, ONE)
PANELS(whole_fma_add, LINE, WHOLE, ADD)
PANELS(pieces_one_fma, LINE, PIECES, ONE)
PANELS(pieces_fma_add, LINE, PIECES, ADD)
PANELS(any, SHORT_LINE, ANY, ONE | OTHERS)

static enum tile_depth depth_of(const er_strip *s) {
  if (s->depth < BLOCK) return ANY;
  return s->pieces > 1 ? PIECES : s->goes_on ? PART : WHOLE;
}

/* Blocks of a piece, of some rows. @param[in,out] weights  @return behind them */
ER_INLINE int64_t multiply_blocks(const int rows, const int8_t *const *input, int64_t d,
                                  int64_t bytes, const int8_t (**at)[2][16], int32x4_t (*acc)[2]) {
  const int8_t(*weights)[2][16] = *at;
  int8x16_t a[ROWS];
  const int64_t end = d + bytes;
  do MULTIPLY_BLOCK while (d < end);
  *at = weights;
  return d;
}

/* Where the sums of a tile of both ends of a line start. */
typedef struct er_edge_starts {
  int32_t first[UNITS], inner[UNITS], last[UNITS];
} er_edge_starts;

/* The first EDGE rows of a line and its last ones. */
ER_INLINE int8_t *edge_tile(const er_panel_task *task, const er_strip s,
                            const er_edge_starts *starts, const er_panel *panel,
                            const int8_t (*weights)[2][16], const int8_t *const *input, int64_t d,
                            const int64_t strides[5], int8_t *to) {
  const int64_t left = task->call->left.bytes, right = task->call->right.bytes;
  int32x4_t acc[ROWS][2];
  ER_UNROLL for (int r = 0; r < ROWS; r++) {
    const int32_t *start = r == 0 ? starts->first : r < ROWS - 1 ? starts->inner : starts->last;
    er_start(start, acc[r]);
  }
  for (int32_t pieces = s.pieces; pieces > 0; pieces--, d += s.gap) {
    if (left) d = multiply_blocks(ROWS - 1, input + 1, d, left, &weights, acc + 1);
    d = multiply_blocks(ROWS, input, d, s.segment - left - right, &weights, acc);
    if (right) d = multiply_blocks(ROWS - 1, input, d, right, &weights, acc);
  }
  return settle_tile(ROWS, ONE | ADD | OTHERS, panel, acc, task->settle, strides, to);
}

static __attribute__((noinline)) void run_edges(const er_panel_task *task, const er_strip *strip) {
  const er_gemm_s8_call *c = task->call;
  const er_strip s = *strip;
  const char *packed = s.panel;
  const int32_t *first = instead_of(task, c->left.instead),
                *last = instead_of(task, c->right.instead);
  const int32_t *inner = instead_of(task, c->instead);
  const int8_t *input[ROWS];
  int64_t strides[5];
  int8_t *output = task->output;
  ER_UNROLL for (int r = 0; r < ROWS; r++) {
    input[r] = task->input + (r < EDGE ? r : s.width - ROWS + r) * s.input_stride;
  }
  multiply_stride(s.output_stride, strides);
  strides[EDGE] = (s.width - EDGE) * s.output_stride;
  for (int32_t units = task->units; units > 0; units -= UNITS, output += UNITS) {
    const er_panel *panel = (const er_panel *)(const void *)packed;
    const int8_t(*weights)[2][16] = panel->weights + s.skipped / STEP;
    er_edge_starts starts;
    cut_start(panel, first, starts.first);
    cut_start(panel, inner, starts.inner);
    cut_start(panel, last, starts.last);
    int8_t *to = output;
    int64_t at = -c->left.bytes;
    for (int32_t rows = task->rows; rows > 0; rows -= s.width, at += s.line_stride) {
      to = edge_tile(task, s, &starts, panel, weights, input, at, strides, to);
      to += s.width * s.output_stride - 2 * strides[EDGE];
    }
    packed += panel_bytes(s.depth);
    if (inner) inner += UNITS;
    first += UNITS, last += UNITS;
  }
}

static void run_panels(const er_panel_task *task, const er_strip *s, enum tile_depth depth) {
  static const struct {
    panels_function *panels;
    int taken;
  } by_depth[][3] = {[WHOLE] = {{whole_one_fma, ONE}, {whole_fma_add, ADD}, {any, OTHERS}},
                     [PART] = {{part_one_fma, ONE}, {part_fma_add, ADD}, {any, OTHERS}},
                     [PIECES] = {{pieces_one_fma, ONE}, {pieces_fma_add, ADD}, {any, OTHERS}},
                     [ANY] = {{any, ONE | OTHERS}}};
  const char *panel = s->panel;
  int present = 0;
  for (int32_t units = task->units; units > 0; units -= UNITS, panel += panel_bytes(s->depth)) {
    present |= 1 << ((const er_panel *)(const void *)panel)->how;
  }
  for (int i = 0; i < 3; i++) {
    const int taken = by_depth[depth][i].taken;
    if (present & taken) by_depth[depth][i].panels(task, s, taken);
  }
}

/* The rows between those of run_edges. */
static void run_inner(const er_panel_task *task, const er_strip *strip) {
  er_strip s = *strip;
  er_panel_task inner = *task;
  s.width -= ROWS;
  inner.input += EDGE * s.input_stride - task->call->left.bytes;
  inner.output += EDGE * s.output_stride;
  inner.rows = task->rows / strip->width * s.width;
  inner.beyond = ROWS * s.output_stride;
  run_panels(&inner, &s, PIECES);
}

static void run_rows(const er_panel_task *task) {
  const er_strip s = er_strip_of(task);
  if (task->call->left.bytes + task->call->right.bytes == 0) {
    run_panels(task, &s, depth_of(&s));
    return;
  }
  run_edges(task, &s);
  if (s.width > ROWS) run_inner(task, &s);
}

static void run(const er_gemm_s8_call *c) {
  er_for_panels(c, (er_panels){UNITS, ROWS, panel_bytes(c->depth), run_rows, NULL});
}

const er_gemm_s8 er_gemm_s8_dotprod = {.name = "gemm_s8_dotprod",
                                       .unit_step = UNITS,
                                       .row_step = ROWS,
                                       .segment_step = BLOCK,
                                       .line_step = EDGE,
                                       .cuts = true,
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
