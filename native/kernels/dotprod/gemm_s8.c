/* int8 gemm with dot products: a panel holds 8 units, four products of a unit side by side, and
 * SDOT by lane takes the four bytes of a row that they meet. */
#include "kernels/dotprod/layer.h"
#include "kernels/neon/panels.h"
#include "kernels/neon/settle.h"
#include "kernels/neon/store.h"

enum { UNITS = 8, ROWS = 8, STEP = 4, BLOCK = 16 }; /* BLOCK: depth that one load of a row covers */

typedef struct er_panel {
  int32_t bias[UNITS];     /* less the input zero point's part */
  int32_t start[2][UNITS]; /* sums for ER_MAGIC and ER_RECTIFIED start here */
  float offset[2][UNITS];  /* for them */
  float scale[UNITS];
  int32_t fit; /* er_fit_bits of all units */
  int32_t unused[3];
  int8_t weights[][2][16]; /* [steps of depth][4 units each] */
} er_panel;

static size_t panel_bytes(int32_t depth) {
  return sizeof(er_panel) + ((size_t)depth + STEP - 1) / STEP * STEP * UNITS;
}

static size_t packed_bytes(int32_t units, int32_t depth) {
  return ((size_t)units + UNITS - 1) / UNITS * panel_bytes(depth);
}

static void pack_unit(const er_weights_s8 *w, int32_t unit, er_panel *panel) {
  const int32_t u = unit % UNITS;
  const int8_t *values = w->values + (int64_t)unit * w->depth;
  const int32_t bias = er_bias_less_zero_point(w, unit, (int64_t)unit * w->depth, 1);
  const er_fit fit = er_fit_of(bias, w->scale[unit], values, w->depth, 1);
  panel->fit &= fit.bits;
  panel->bias[u] = bias;
  panel->start[0][u] = (int32_t)(ER_TWO_23_BITS + (uint32_t)bias - (uint32_t)fit.low);
  panel->start[1][u] = (int32_t)(ER_TWO_23_BITS + (uint32_t)bias);
  panel->offset[0][u] = ER_TWO_23 - (float)fit.low;
  panel->offset[1][u] = -ER_TWO_23 * w->scale[unit];
  panel->scale[u] = w->scale[unit];
  for (int32_t d = 0; d < w->depth; d++) {
    panel->weights[d / STEP][u / 4][u % 4 * STEP + d % STEP] = values[d];
  }
}

static void pack(const er_weights_s8 *weights, void *packed) {
  const size_t bytes = panel_bytes(weights->depth);
  for (int32_t unit = 0; unit < weights->units; unit++) {
    er_panel *panel = (er_panel *)((char *)packed + (size_t)(unit / UNITS) * bytes);
    if (unit % UNITS == 0) panel->fit = ER_FITS_ALL;
    pack_unit(weights, unit, panel);
  }
}

/* STEP products for each row and unit. @param lane of the rows' vectors that holds them */
#define MULTIPLY(lane)                                                                \
  {                                                                                   \
    const int8x16_t w0 = vld1q_s8(weights[lane][0]), w1 = vld1q_s8(weights[lane][1]); \
    ER_UNROLL for (int r = 0; r < rows; r++) {                                        \
      acc[r][0] = vdotq_laneq_s32(acc[r][0], w0, a[r], lane);                         \
      acc[r][1] = vdotq_laneq_s32(acc[r][1], w1, a[r], lane);                         \
    }                                                                                 \
  }

ER_INLINE void load_rows(const int rows, const int8_t *const *input, int32_t d, int8x16_t *a) {
  ER_UNROLL for (int r = 0; r < rows; r++) a[r] = vld1q_s8(input[r] + d);
}

/* Where the sums start. Each row loads them anew: a copy would take a slot of the vector pipes. */
ER_INLINE void start(const int rows, const int32_t *from, int32x4_t acc[ROWS][2]) {
  ER_UNROLL for (int r = 0; r < rows; r++) {
    acc[r][0] = vld1q_s32(from);
    acc[r][1] = vld1q_s32(from + 4);
    ER_AGAIN(from);
  }
}

ER_INLINE void settle_rows(const int rows, const enum er_settling how, const er_panel *panel,
                           const int32x4_t acc[ROWS][2], const er_settle_neon *settle, int8_t *to,
                           int64_t stride) {
  const float *offset = panel->offset[how == ER_RECTIFIED];
  int8x8_t q[ROWS];
  ER_AGAIN(settle); /* its vectors would take registers of the loop's */
  ER_UNROLL for (int r = 0; r < rows; r++) {
    if (how == ER_RECTIFIED) ER_AGAIN(offset);
    const int16x8_t wide = er_settle8_neon(how, ER_IN_ORDER, acc[r][0], acc[r][1], panel->scale,
                                           offset, settle);
    q[r] = er_eight_bytes_neon(how, wide, settle);
  }
  ER_UNROLL for (int r = 0; r < rows; r++, to += stride) vst1_s8(to, q[r]);
}

/* What a tile needs of the call, in registers. */
typedef struct er_strip {
  const er_panel *panel;
  int32_t depth;
  int64_t input_stride, output_stride;
} er_strip;

ER_INLINE void tile(const int rows, const enum er_settling how, const er_strip s,
                    const er_settle_neon *settle, const int8_t *from, int8_t *to) {
  const er_panel *panel = s.panel;
  const int8_t *input[ROWS];
  const int32_t *first = how == ER_MAGIC || how == ER_CLAMPED ? panel->start[0]
                         : how == ER_RECTIFIED ? panel->start[1]
                                               : panel->bias;
  const int8_t(*weights)[2][16] = panel->weights;
  int32x4_t acc[ROWS][2];
  int8x16_t a[ROWS];
  ER_UNROLL for (int r = 0; r < rows; r++, from += s.input_stride) input[r] = from;
  int32_t d = 0;
  if (s.depth >= BLOCK) { /* twice the same start, so that no branch parts it from the loop */
    start(rows, first, acc);
    do {
      load_rows(rows, input, d, a);
      MULTIPLY(0)
      MULTIPLY(1)
      MULTIPLY(2)
      MULTIPLY(3)
      weights += 4;
      d += BLOCK;
    } while (d + BLOCK <= s.depth);
  } else {
    start(rows, first, acc);
  }
  if (d < s.depth) { /* what lies behind the row meets weights of 0 */
    load_rows(rows, input, d, a);
    MULTIPLY(0)
    if (d + STEP < s.depth) MULTIPLY(1)
    if (d + 2 * STEP < s.depth) MULTIPLY(2)
    if (d + 3 * STEP < s.depth) MULTIPLY(3)
  }
  settle_rows(rows, how, panel, acc, settle, to, s.output_stride);
}

#define TILES(n, how)                                                     \
  for (; left >= n; left -= n, from += n * s.input_stride, to += n * s.output_stride) { \
    tile(n, how, s, &settle, from, to);                                   \
  }
#define RUN_ROWS(name, how)                                                               \
  static void name(const er_panel_task *t) {                                              \
    const er_gemm_s8_call *c = t->call;                                                   \
    const er_strip s = {t->panel, c->depth, c->input_stride, c->output_stride};           \
    const er_settle_neon settle = er_settle_neon_of(c->range);                            \
    const int8_t *from = c->input + t->first * s.input_stride;                            \
    int8_t *to = t->output + t->first * s.output_stride;                                  \
    int32_t left = t->last - t->first;                                                    \
    TILES(ROWS, how)                                                                      \
    TILES(4, how)                                                                         \
    TILES(2, how)                                                                         \
    TILES(1, how)                                                                         \
  }
RUN_ROWS(run_rectified, ER_RECTIFIED)
RUN_ROWS(run_magic, ER_MAGIC)
RUN_ROWS(run_clamped, ER_CLAMPED)
RUN_ROWS(run_saturated, ER_SATURATED)

static void whole_panel(const er_panel_task *task) {
  const er_panel *panel = task->panel;
  if ((panel->fit & ER_FITS_RECTIFIED) && er_rectifies(task->call->range)) {
    run_rectified(task);
  } else if (panel->fit & ER_FITS_MAGIC) {
    (er_clamps(task->call->range) ? run_clamped : run_magic)(task);
  } else {
    run_saturated(task);
  }
}

/* The last panel may have units that do not exist: its results pass through a buffer. */
static void multiply(const er_panel_task *task) {
  if (task->units == UNITS) {
    whole_panel(task);
    return;
  }
  enum { BUFFER_ROWS = 64 };
  int8_t buffer[BUFFER_ROWS * UNITS];
  er_gemm_s8_call call = *task->call;
  call.output_stride = UNITS;
  for (int32_t row = task->first; row < task->last; row += BUFFER_ROWS) {
    const int32_t left = task->last - row, rows = left < BUFFER_ROWS ? left : BUFFER_ROWS;
    call.input = task->call->input + row * task->call->input_stride;
    whole_panel(&(er_panel_task){&call, task->panel, 0, rows, buffer, UNITS});
    int8_t *to = task->output + row * task->call->output_stride;
    er_store_rows_neon(buffer, rows, task->units, task->call->output_stride, to);
  }
}

static void run(const er_gemm_s8_call *c) {
  er_for_panels(c, (er_panels){UNITS, ROWS, panel_bytes(c->depth), multiply});
}

const er_gemm_s8 er_gemm_s8_dotprod = {.name = "gemm_s8_dotprod",
                                       .unit_step = UNITS,
                                       .row_step = ROWS,
                                       .packed_bytes = packed_bytes,
                                       .pack = pack,
                                       .run = run};
