/* int8 gemm for ARMv8.0, which multiplies bytes to int16. A panel holds 16 units; four products of
 * a unit lie in one vector as [4 units][d, d+1 | d+2, d+3], so that SMULL    t = (d, d+1) of the
 * weights * (d, d+1) of the row, for four units SMLAL2   t += (d+2, d+3) likewise SADALP   acc +=
 * t, pairs added leaves each unit's sum in a lane of its own: nothing is to be added up at the end.
 * Two products fit int16 unless all four factors are -128: 2 * 128 * 127 < 2^15. `pack` proves for
 * each panel that no two weights of a lane are -128; else each product is added alone. */
#include "kernels/neon/layer.h"
#include "kernels/neon/panels.h"
#include "kernels/neon/settle.h"
#include "kernels/neon/store.h"

#ifdef __aarch64__
enum { ROWS = 4 };
#else
enum { ROWS = 2 }; /* there are 16 vector registers, not 32 */
#endif
enum { UNITS = 16, STEP = 4 };
enum { BLOCK = 16 }; /* depth that one load of a row covers */

typedef struct er_panel { /* units in vectors of four, er_order ER_EVEN_ODD */
  int32_t bias[2][UNITS]; /* less the input zero point's part; [1]: for ER_RECTIFIED */
  float scale[UNITS];
  float offset[UNITS]; /* for ER_RECTIFIED */
  int32_t fit;         /* er_fit_bits of all units */
  int32_t in_pairs;    /* whether two products may be added in int16 */
  int32_t unused[2];
  int8_t weights[][4][16]; /* [steps of depth][4 units each] */
} er_panel;

static size_t panel_bytes(int32_t depth) {
  return sizeof(er_panel) + ((size_t)depth + STEP - 1) / STEP * STEP * UNITS;
}

static size_t packed_bytes(int32_t units, int32_t depth) {
  return ((size_t)units + UNITS - 1) / UNITS * panel_bytes(depth);
}

static void pack_unit(const er_weights_s8 *w, int32_t unit, er_panel *panel) {
  const int32_t pair = unit % UNITS / 8, vector = 2 * pair + unit % 2, lane = unit % 8 / 2;
  const int8_t *values = w->values + (int64_t)unit * w->depth;
  const int32_t bias = er_bias_less_zero_point(w, unit, (int64_t)unit * w->depth, 1);
  panel->fit &= er_fit_of(bias, w->scale[unit], values, w->depth, 1).bits;
  panel->bias[0][4 * vector + lane] = bias;
  panel->bias[1][4 * vector + lane] = (int32_t)((uint32_t)bias + ER_TWO_23_BITS);
  panel->scale[4 * vector + lane] = w->scale[unit];
  panel->offset[4 * vector + lane] = -ER_TWO_23 * w->scale[unit];
  for (int32_t d = 0; d < w->depth; d++) {
    panel->weights[d / STEP][vector][d % STEP / 2 * 8 + lane * 2 + d % 2] = values[d];
    if (d % STEP >= 2 && values[d] == -128 && values[d - 2] == -128) panel->in_pairs = 0;
  }
}

static void pack(const er_weights_s8 *weights, void *packed) {
  for (int32_t unit = 0; unit < weights->units; unit++) {
    er_panel *panel =
        (er_panel *)((char *)packed + (size_t)(unit / UNITS) * panel_bytes(weights->depth));
    if (unit % UNITS == 0) {
      panel->in_pairs = 1;
      panel->fit = ER_FITS_ALL;
    }
    pack_unit(weights, unit, panel);
  }
}

/* sum += STEP products of a row with four units. */
#define ADD(w, low, high, sum)                                         \
  {                                                                    \
    int16x8_t t = vmull_s8(vget_low_s8(w), low);                       \
    if (!in_pairs) sum = vpadalq_s16(sum, t);                          \
    t = in_pairs ? vmlal_high_s8(t, w, high) : vmull_high_s8(w, high); \
    sum = vpadalq_s16(sum, t);                                         \
  }

/* STEP products for each row and unit. @param lane of the rows' vectors that holds them */
#ifdef __aarch64__
#define MULTIPLY(lane)                                                                    \
  {                                                                                       \
    int8x16_t w[4];                                                                       \
    ER_UNROLL for (int v = 0; v < vectors; v++) w[v] = vld1q_s8(weights[0][v]);           \
    ER_UNROLL for (int r = 0; r < rows; r++) {                                            \
      const int8x8_t low = vreinterpret_s8_s16(vdup_laneq_s16(a[r], 2 * (lane)));         \
      const int8x16_t high = vreinterpretq_s8_s16(vdupq_laneq_s16(a[r], 2 * (lane) + 1)); \
      ER_UNROLL for (int v = 0; v < vectors; v++) ADD(w[v], low, high, acc[r][v])         \
    }                                                                                     \
    weights++;                                                                            \
  }
#else /* few registers: each weight is loaded when it is used */
#define MULTIPLY(lane)                                                     \
  {                                                                        \
    int8x8_t low[ROWS], high[ROWS];                                        \
    ER_UNROLL for (int r = 0; r < rows; r++) {                             \
      low[r] = vreinterpret_s8_s16(vdup_laneq_s16(a[r], 2 * (lane)));      \
      high[r] = vreinterpret_s8_s16(vdup_laneq_s16(a[r], 2 * (lane) + 1)); \
    }                                                                      \
    ER_UNROLL for (int v = 0; v < vectors; v++) {                          \
      const int8x16_t w = vld1q_s8(weights[0][v]);                         \
      ER_UNROLL for (int r = 0; r < rows; r++) {                           \
        ADD(w, low[r], vcombine_s8(high[r], high[r]), acc[r][v])           \
      }                                                                    \
    }                                                                      \
    weights++;                                                             \
  }
#endif

ER_INLINE void load_rows(const int rows, const int8_t *const *input, int32_t d, int16x8_t *a) {
  ER_UNROLL for (int r = 0; r < rows; r++) a[r] = vreinterpretq_s16_s8(vld1q_s8(input[r] + d));
}

/* One branch for the common case: whole vectors. */
ER_INLINE void store(const int rows, const int vectors, int32_t units, const int8x16_t *q,
                     int64_t stride, int8_t *output) {
  if (units == 4 * vectors) {
    ER_UNROLL for (int r = 0; r < rows; r++, output += stride) {
      if (vectors == 4) vst1q_s8(output, q[r]);
      if (vectors == 2) vst1_s8(output, vget_low_s8(q[r]));
    }
  } else {
    int8x16_t parts[ROWS]; /* a copy, so that the vectors need no memory in the common case */
    ER_UNROLL for (int r = 0; r < rows; r++) parts[r] = q[r];
    er_store_parts_neon(parts, rows, units, stride, output);
  }
}

ER_INLINE void tile(const int rows, const int vectors, const bool in_pairs,
                    const enum er_settling how, const er_panel_task *task, int32_t row,
                    const er_settle_neon *settle) {
  const er_gemm_s8_call *c = task->call;
  const er_panel *panel = task->panel;
  const int8_t *input[ROWS], *from = c->input + row * c->input_stride;
  const int32_t *bias = panel->bias[how == ER_RECTIFIED];
  const int8_t(*weights)[4][16] = panel->weights;
  int32x4_t acc[ROWS][4];
  int16x8_t a[ROWS];
  ER_UNROLL for (int r = 0; r < rows; r++) {
    input[r] = from;
    from += c->input_stride;
    ER_UNROLL for (int v = 0; v < vectors; v++) acc[r][v] = vld1q_s32(bias + 4 * v);
    if (r == 0) __asm__("" : "+r"(bias)); /* half are loaded, half copied: no pipe does it all */
  }
  int32_t d = 0;
  for (; d + BLOCK <= c->depth; d += BLOCK) {
    load_rows(rows, input, d, a);
    MULTIPLY(0)
    MULTIPLY(1)
    MULTIPLY(2)
    MULTIPLY(3)
  }
  if (d < c->depth) { /* what lies behind the row meets weights of 0 */
    load_rows(rows, input, d, a);
    MULTIPLY(0)
    if (d + STEP < c->depth) MULTIPLY(1)
    if (d + 2 * STEP < c->depth) MULTIPLY(2)
    if (d + 3 * STEP < c->depth) MULTIPLY(3)
  }
  int8x16_t q[ROWS];
  ER_UNROLL for (int r = 0; r < rows; r++) {
    const int16x8_t low = er_settle8_neon(how, ER_EVEN_ODD, acc[r][0], acc[r][1], panel->scale,
                                          panel->offset, settle);
    const int16x8_t high = vectors == 2
                               ? low
                               : er_settle8_neon(how, ER_EVEN_ODD, acc[r][2], acc[r][3],
                                                 panel->scale + 8, panel->offset + 8, settle);
    q[r] = er_bytes_neon(how, low, high, settle);
  }
  store(rows, vectors, task->units, q, c->output_stride, task->output + row * c->output_stride);
}

#define RUN_ROWS(name, vectors, how)                                                            \
  static void name(const er_panel_task *t) {                                                    \
    const er_settle_neon settle = er_settle_neon_of(t->call->range);                            \
    int32_t row = t->first;                                                                     \
    for (; row + ROWS <= t->last; row += ROWS) tile(ROWS, vectors, true, how, t, row, &settle); \
    for (; row + 2 <= t->last; row += 2) tile(2, vectors, true, how, t, row, &settle);          \
    for (; row < t->last; row++) tile(1, vectors, true, how, t, row, &settle);                  \
  }
RUN_ROWS(run_16_rectified, 4, ER_RECTIFIED)
RUN_ROWS(run_16_bounded, 4, ER_BOUNDED)
RUN_ROWS(run_16_saturated, 4, ER_SATURATED)
RUN_ROWS(run_8_rectified, 2, ER_RECTIFIED)
RUN_ROWS(run_8_bounded, 2, ER_BOUNDED)

static void run_alone(const er_panel_task *t) {
  const er_settle_neon settle = er_settle_neon_of(t->call->range);
  for (int32_t row = t->first; row < t->last; row++) {
    tile(1, 4, false, ER_SATURATED, t, row, &settle);
  }
}

static void multiply(const er_panel_task *task) {
  const er_panel *panel = task->panel;
  const bool rectified = (panel->fit & ER_FITS_RECTIFIED) && er_rectifies(task->call->range);
  if (!panel->in_pairs) {
    run_alone(task);
  } else if (!panel->fit) {
    run_16_saturated(task);
  } else if (task->units > 8) {
    (rectified ? run_16_rectified : run_16_bounded)(task);
  } else {
    (rectified ? run_8_rectified : run_8_bounded)(task);
  }
}

static void run(const er_gemm_s8_call *c) {
  er_for_panels(c, (er_panels){UNITS, ROWS, panel_bytes(c->depth), multiply});
}

const er_gemm_s8 er_gemm_s8_neon = {.name = "gemm_s8_neon",
                                    .unit_step = UNITS,
                                    .row_step = ROWS,
                                    .packed_bytes = packed_bytes,
                                    .pack = pack,
                                    .run = run};
