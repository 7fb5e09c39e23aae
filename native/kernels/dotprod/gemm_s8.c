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

/* One branch for the common case: whole vectors. @param q two rows each */
ER_INLINE void store(const int rows, int32_t units, const int8x16_t *q, int64_t stride,
                     int8_t *output) {
  if (units == UNITS) {
    ER_UNROLL for (int r = 0; r < rows; r++, output += stride) {
      vst1_s8(output, r % 2 ? vget_high_s8(q[r / 2]) : vget_low_s8(q[r / 2]));
    }
  } else {
    int8x16_t parts[ROWS];
    ER_UNROLL for (int r = 0; r < rows; r++) {
      parts[r] = r % 2 ? vextq_s8(q[r / 2], q[r / 2], 8) : q[r / 2];
    }
    er_store_parts_neon(parts, rows, units, stride, output);
  }
}

ER_INLINE void tile(const int rows, const enum er_settling how, const er_panel_task *task,
                    int32_t row, const er_settle_neon *settle) {
  const er_gemm_s8_call *c = task->call;
  const er_panel *panel = task->panel;
  const int8_t *input[ROWS], *from = c->input + row * c->input_stride;
  const int32_t *bias = how == ER_MAGIC       ? panel->start[0]
                        : how == ER_RECTIFIED ? panel->start[1]
                                              : panel->bias;
  const float *offset = panel->offset[how == ER_RECTIFIED];
  const int8_t(*weights)[2][16] = panel->weights;
  int32x4_t acc[ROWS][2];
  int8x16_t a[ROWS];
  ER_UNROLL for (int r = 0; r < rows; r++) {
    input[r] = from;
    from += c->input_stride;
    acc[r][0] = vld1q_s32(bias);
    acc[r][1] = vld1q_s32(bias + 4);
    if (r % 2) __asm__("" : "+r"(bias)); /* half are loaded, half copied: no pipe does it all */
  }
  int32_t d = 0;
  for (; d + BLOCK <= c->depth; d += BLOCK) {
    load_rows(rows, input, d, a);
    MULTIPLY(0)
    MULTIPLY(1)
    MULTIPLY(2)
    MULTIPLY(3)
    weights += 4;
  }
  if (d < c->depth) { /* what lies behind the row meets weights of 0 */
    load_rows(rows, input, d, a);
    MULTIPLY(0)
    if (d + STEP < c->depth) MULTIPLY(1)
    if (d + 2 * STEP < c->depth) MULTIPLY(2)
    if (d + 3 * STEP < c->depth) MULTIPLY(3)
  }
  int16x8_t wide[ROWS];
  int8x16_t q[ROWS];
  ER_UNROLL for (int r = 0; r < rows; r++) {
    wide[r] = er_settle8_neon(how, ER_IN_ORDER, acc[r][0], acc[r][1], panel->scale, offset, settle);
  }
  ER_UNROLL for (int r = 0; r < rows; r += 2) {
    q[r / 2] = er_bytes_neon(how, wide[r], wide[r + 1 < rows ? r + 1 : r], settle);
  }
  store(rows, task->units, q, c->output_stride, task->output + row * c->output_stride);
}

#define RUN_ROWS(name, how)                                                      \
  static void name(const er_panel_task *t) {                                     \
    const er_settle_neon settle = er_settle_neon_of(t->call->range);             \
    int32_t row = t->first;                                                      \
    for (; row + ROWS <= t->last; row += ROWS) tile(ROWS, how, t, row, &settle); \
    for (; row + 4 <= t->last; row += 4) tile(4, how, t, row, &settle);          \
    for (; row + 2 <= t->last; row += 2) tile(2, how, t, row, &settle);          \
    for (; row < t->last; row++) tile(1, how, t, row, &settle);                  \
  }
RUN_ROWS(run_rectified, ER_RECTIFIED)
RUN_ROWS(run_magic, ER_MAGIC)
RUN_ROWS(run_bounded, ER_BOUNDED)
RUN_ROWS(run_saturated, ER_SATURATED)

static void multiply(const er_panel_task *task) {
  const er_panel *panel = task->panel;
  if ((panel->fit & ER_FITS_RECTIFIED) && er_rectifies(task->call->range)) {
    run_rectified(task);
  } else if (panel->fit & ER_FITS_MAGIC) {
    run_magic(task);
  } else if (panel->fit & ER_FITS_BOUNDED) {
    run_bounded(task);
  } else {
    run_saturated(task);
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
