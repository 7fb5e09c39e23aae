/* int8 gemm with ARMv8.6's matrix products. SMMLA multiplies two rows by two units, eight deep: a
 * panel holds eight units in four pairs, [unit 2i, 8 deep | unit 2i + 1, 8 deep], rows are brought
 * together in pairs by ZIP, and a sum is [row 0, 1][unit 0, 1]. */
#include "kernels/i8mm/layer.h"
#include "kernels/neon/panels.h"
#include "kernels/neon/settle.h"
#include "kernels/neon/units.h"

enum { UNITS = 8, PAIRS = 4, ROWS = 8, STEP = 8, BLOCK = 16 }; /* BLOCK: depth of one load */

typedef struct er_panel {
  int32_t start[PAIRS][4]; /* of the sums, for both rows */
  float scale[UNITS], offset[UNITS];
  int32_t how; /* er_settling */
  int32_t unused[15];
  int8_t weights[][PAIRS][16]; /* [steps of depth] */
} er_panel;

static const enum er_settling ways[] = {ER_ONE_FMA, ER_FMA_ADD_ODD, ER_SATURATED};

static size_t panel_bytes(int64_t depth) {
  return sizeof(er_panel) + ((size_t)depth + STEP - 1) / STEP * STEP * UNITS;
}

static size_t packed_bytes(int32_t units, int32_t depth) {
  return ((size_t)units + UNITS - 1) / UNITS * panel_bytes(depth);
}

static void pack_unit(const er_unit *unit, int32_t depth, int32_t u, er_panel *panel) {
  const er_unit_constants constants = er_constants_of(unit, panel->how);
  panel->start[u / 2][u % 2] = panel->start[u / 2][u % 2 + 2] = constants.start;
  panel->scale[u] = constants.scale;
  panel->offset[u] = constants.offset;
  for (int32_t d = 0; d < depth && unit->values; d++) {
    panel->weights[d / STEP][u / 2][u % 2 * STEP + d % STEP] = unit->values[d];
  }
}

static void pack(const er_weights_s8 *w, void *packed) {
  for (int32_t first = 0; first < w->units; first += UNITS) {
    er_panel *panel =
        (er_panel *)((char *)packed + (size_t)(first / UNITS) * panel_bytes(w->depth));
    const int32_t count = w->units - first < UNITS ? w->units - first : UNITS;
    er_unit units[UNITS];
    panel->how = er_units_of(w, first, count, w->depth, 1, ways, units);
    for (int32_t u = 0; u < count; u++) pack_unit(&units[u], w->depth, u, panel);
  }
}

/* The next `rows` rows, BLOCK deep, in pairs: [pair][first and second STEP]. */
ER_INLINE void load_pairs(const int rows, const int8_t *const *input, int64_t d,
                          int8x16_t a[ROWS / 2][2]) {
  ER_UNROLL for (int p = 0; p < rows / 2; p++) {
    const int64x2_t x = vreinterpretq_s64_s8(vld1q_s8(input[2 * p] + d));
    const int64x2_t y = vreinterpretq_s64_s8(vld1q_s8(input[2 * p + 1] + d));
    a[p][0] = vreinterpretq_s8_s64(vzip1q_s64(x, y));
    a[p][1] = vreinterpretq_s8_s64(vzip2q_s64(x, y));
  }
}

/* @param half 0, 1: which STEP of the rows */
ER_INLINE void multiply_step(const int rows, const int half, const int8_t weights[PAIRS][16],
                             const int8x16_t a[ROWS / 2][2], int32x4_t acc[ROWS / 2][PAIRS]) {
  ER_UNROLL for (int i = 0; i < PAIRS; i++) {
    const int8x16_t w = vld1q_s8(weights[i]);
    ER_UNROLL for (int p = 0; p < rows / 2; p++) {
      acc[p][i] = vmmlaq_s32(acc[p][i], a[p][half], w);
    }
  }
}

ER_INLINE void start(const int rows, const int32_t from[PAIRS][4], int32x4_t acc[ROWS / 2][PAIRS]) {
  ER_UNROLL for (int p = 0; p < rows / 2; p++) {
    ER_UNROLL for (int i = 0; i < PAIRS; i++) acc[p][i] = vld1q_s32(from[i]);
    ER_AGAIN(from); /* a copy would take a slot of the vector pipes */
  }
}

/* Four sums of one row of a pair. */
ER_INLINE int32x4_t row_of(const int row, int32x4_t a, int32x4_t b) {
  const int64x2_t x = vreinterpretq_s64_s32(a), y = vreinterpretq_s64_s32(b);
  return vreinterpretq_s32_s64(row ? vzip2q_s64(x, y) : vzip1q_s64(x, y));
}

ER_INLINE void settle_rows(const int rows, const enum er_settling how, const er_panel *panel,
                           const int32x4_t acc[ROWS / 2][PAIRS], const er_settle_neon *settle,
                           int8x8_t q[ROWS]) {
  const float *offset = panel->offset;
  ER_AGAIN(settle); /* its vectors would take registers of the loop's */
  ER_UNROLL for (int r = 0; r < rows; r++) {
    const int32x4_t *sums = acc[r / 2];
    if (how >= ER_FMA_ADD_ODD) ER_AGAIN(offset);
    const int16x8_t wide =
        er_settle8_neon(how, ER_IN_ORDER, row_of(r % 2, sums[0], sums[1]),
                        row_of(r % 2, sums[2], sums[3]), panel->scale, offset, settle);
    q[r] = er_eight_bytes_neon(how, wide, settle);
  }
}

/* A branch for each tile, so that one loop serves all ways. */
ER_INLINE void settle_any(const int rows, const er_panel *panel,
                          const int32x4_t acc[ROWS / 2][PAIRS], const er_settle_neon *settle,
                          int8x8_t q[ROWS]) {
  if (panel->how == ER_ONE_FMA) {
    settle_rows(rows, ER_ONE_FMA, panel, acc, settle, q);
  } else if (panel->how == ER_FMA_ADD_ODD) {
    settle_rows(rows, ER_FMA_ADD_ODD, panel, acc, settle, q);
  } else {
    settle_rows(rows, ER_SATURATED, panel, acc, settle, q);
  }
}

/* @param count rows to store: `rows`, or one less, whose place the row before it takes */
ER_INLINE void tile(const int rows, const int count, const er_strip s, const er_settle_neon *settle,
                    const int8_t *from, int8_t *to) {
  const er_panel *panel = s.panel;
  const int8_t *input[ROWS];
  const int8_t(*weights)[PAIRS][16] = panel->weights;
  int32x4_t acc[ROWS / 2][PAIRS];
  int8x16_t a[ROWS / 2][2];
  ER_UNROLL for (int r = 0; r < rows; r++) {
    input[r] = from;
    if (r + 1 < count) from += s.input_stride;
  }
  start(rows, panel->start, acc);
  int64_t d = 0;
  for (int64_t last = s.segment - BLOCK; last >= 0; last += s.segment) {
    do {
      load_pairs(rows, input, d, a);
      multiply_step(rows, 0, weights[0], a, acc);
      multiply_step(rows, 1, weights[1], a, acc);
      weights += 2;
      d += BLOCK;
      ER_AGAIN(d); /* else it is kept twice, and moved */
    } while (d <= last);
    if (d + BLOCK > s.depth) break;
    ER_UNROLL for (int r = 0; r < rows; r++) input[r] += s.gap;
  }
  if (d < s.depth) { /* what lies behind the row meets weights of 0 */
    load_pairs(rows, input, d, a);
    multiply_step(rows, 0, weights[0], a, acc);
    if (d + STEP < s.depth) multiply_step(rows, 1, weights[1], a, acc);
  }
  int8x8_t q[ROWS];
  settle_any(rows, panel, acc, settle, q);
  ER_UNROLL for (int r = 0; r < count; r++, to += s.output_stride) vst1_s8(to, q[r]);
}

#define TILES(rows, count)                                         \
  for (; left >= count; left -= count) {                           \
    tile(rows, count, s, task->settle, from, to);                  \
    from += count * s.input_stride, to += count * s.output_stride; \
  }
ER_RUN_ROWS(run_rows, UNITS, panel_bytes(s.depth), , const int8_t *from = task->input + at;
            TILES(ROWS, ROWS) TILES(2, 2) TILES(2, 1))

static void run(const er_gemm_s8_call *c) {
  er_for_panels(c, (er_panels){UNITS, ROWS, panel_bytes(c->depth), run_rows, NULL});
}

const er_gemm_s8 er_gemm_s8_i8mm = {.name = "gemm_s8_i8mm",
                                    .unit_step = UNITS,
                                    .row_step = ROWS,
                                    .segment_step = BLOCK,
                                    .line_step = ROWS,
                                    .packed_bytes = packed_bytes,
                                    .pack = pack,
                                    .run = run};
