/* int8 gemm for ARMv8.0, which multiplies bytes to int16. A panel holds 16 units; four products of
 * a unit lie in one vector as [4 units][d, d+1 | d+2, d+3], so that
 *   SMULL    t = (d, d+1) of the weights * (d, d+1) of the row, for four units
 *   SMLAL2   t += (d+2, d+3) likewise
 *   SADALP   acc += t, pairs added
 * leaves each unit's sum in a lane of its own: nothing is to be added up at the end.
 *
 * Two products fit int16 unless all four factors are -128: 2 * 128 * 127 < 2^15. `pack` proves for
 * each panel that no two weights of a lane are -128; else each product is added alone. Where all
 * weights are small, as those of 4 bits are, four fit. */
#include "kernels/neon/layer.h"
#include "kernels/neon/nibbles.h"
#include "kernels/neon/panels.h"
#include "kernels/neon/settle.h"
#include "kernels/neon/units.h"

#ifdef __aarch64__
enum { ROWS = 4 };
#else
enum { ROWS = 2 }; /* there are 16 vector registers, not 32 */
#endif
enum { UNITS = 16, STEP = 4 };
enum { BLOCK = 16 };                            /* depth that one load of a row covers */
enum { ALONE = 1, IN_PAIRS = 2, IN_FOURS = 4 }; /* products together; fours of nibbles alone */

typedef struct er_panel { /* units in vectors of four, er_order ER_EVEN_ODD */
  int32_t start[UNITS];   /* of the sums */
  float scale[UNITS], offset[UNITS];
  int32_t how;      /* er_settling */
  int32_t together; /* products that may be added in int16: 1, 2 or 4 */
  int32_t unused[2];
  int8_t weights[][4][16]; /* [steps of depth][4 units each] */
} er_panel;

static const enum er_settling settled_ways[] = {ER_ONE_FMA, ER_FMA_ADD, ER_BOUNDED, ER_SATURATED};

static size_t panel_bytes(int64_t depth) {
  return sizeof(er_panel) + ((size_t)depth + STEP - 1) / STEP * STEP * UNITS;
}

static size_t packed_bytes(int32_t units, int32_t depth) {
  return ((size_t)units + UNITS - 1) / UNITS * panel_bytes(depth);
}

/* How many products of a lane may be added in int16: 4 * 128 * 63 < 2^15. Fours go by whole blocks.
 */
static int32_t products_together(const int8_t *values, int32_t depth) {
  bool in_fours = depth % BLOCK == 0;
  for (int32_t d = 0; d < depth && values; d++) {
    if (values[d] < -63 || values[d] > 63) in_fours = false;
    if (d % STEP >= 2 && values[d] == -128 && values[d - 2] == -128) return 1;
  }
  return in_fours ? 4 : 2;
}

static void pack_unit(const er_unit *unit, int32_t depth, int32_t u, er_panel *panel) {
  const int32_t vector = 2 * (u / 8) + u % 2, lane = u % 8 / 2;
  const er_unit_constants constants = er_constants_of(unit, panel->how);
  panel->start[4 * vector + lane] = constants.start;
  panel->scale[4 * vector + lane] = constants.scale;
  panel->offset[4 * vector + lane] = constants.offset;
  const int8_t *values = unit->values;
  for (int32_t d = 0; d < depth && values; d++) {
    panel->weights[d / STEP][vector][d % STEP / 2 * 8 + lane * 2 + d % 2] = values[d];
  }
}

/* What tiles of fours do without. */
static bool is_slow(enum er_settling how) { return how == ER_SATURATED || how == ER_PLAIN; }

/* @param ways in which the sums may be settled, best first; the last one always serves */
static void pack_panels(const er_weights_s8 *w, const enum er_settling *ways,
                        enum er_settling last_way, void *packed) {
  for (int32_t first = 0; first < w->units; first += UNITS) {
    er_panel *panel =
        (er_panel *)((char *)packed + (size_t)(first / UNITS) * panel_bytes(w->depth));
    const int32_t count = w->units - first < UNITS ? w->units - first : UNITS;
    er_unit units[UNITS];
    panel->how = er_units_of(w, first, count, w->depth, 1, ways, units);
    panel->together = 4;
    for (int32_t u = 0; u < count; u++) {
      const int32_t together = products_together(units[u].values, w->depth);
      if (together < panel->together) panel->together = together;
    }
    if (panel->together == 1) panel->how = last_way;
    if (panel->together == 4 && is_slow(panel->how)) panel->together = 2;
    for (int32_t u = 0; u < count; u++) pack_unit(&units[u], w->depth, u, panel);
  }
}

static void pack(const er_weights_s8 *w, void *packed) {
  pack_panels(w, settled_ways, ER_SATURATED, packed);
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
#define MULTIPLY(lane)                                                              \
  {                                                                                 \
    int8x16_t w[4];                                                                 \
    ER_UNROLL for (int v = 0; v < vectors; v++) w[v] = vld1q_s8(weights[0][v]);     \
    ER_UNROLL for (int r = 0; r < rows; r++) {                                      \
      const int8x8_t low = vreinterpret_s8_s16(vdup_laneq_s16(a[r], 2 * (lane)));   \
      int8x16_t high = vreinterpretq_s8_s16(vdupq_laneq_s16(a[r], 2 * (lane) + 1)); \
      ER_WHOLE(high);                                                               \
      ER_UNROLL for (int v = 0; v < vectors; v++) ADD(w[v], low, high, acc[r][v])   \
    }                                                                               \
    weights++;                                                                      \
  }

/* Weights of twice STEP products, two a byte. */
ER_INLINE void load_nibbles(const int8_t *from, int8x16_t w[2][4]) {
  ER_UNROLL for (int i = 0; i < 8; i += 2) {
    const int8x16_t raw = vld1q_s8(from + 8 * i);
    w[i / 4][i % 4] = er_first_nibbles(raw);
    w[i / 4][i % 4 + 1] = er_second_nibbles(raw);
  }
}

/* Twice STEP products for each row and unit, all of a lane in one int16. @param half of a block */
#define MULTIPLY_IN_FOURS(half)                                                     \
  {                                                                                 \
    int8x16_t w[2][4];                                                              \
    load_nibbles(weights[0][0], w);                                                 \
    ER_UNROLL for (int r = 0; r < rows; r++) {                                      \
      int16x4_t x = vreinterpret_s16_s8(vld1_s8(input[r] + d + 2 * STEP * (half))); \
      __asm__("" : "+w"(x)); /* else gcc loads its parts as integers */             \
      const int8x8_t low = vreinterpret_s8_s16(vdup_lane_s16(x, 0));                \
      const int8x8_t next_low = vreinterpret_s8_s16(vdup_lane_s16(x, 2));           \
      int8x16_t high = vreinterpretq_s8_s16(vdupq_lane_s16(x, 1));                  \
      int8x16_t next_high = vreinterpretq_s8_s16(vdupq_lane_s16(x, 3));             \
      ER_WHOLE(high);                                                               \
      ER_WHOLE(next_high);                                                          \
      ER_UNROLL for (int v = 0; v < vectors; v++) {                                 \
        int16x8_t t = vmull_s8(vget_low_s8(w[0][v]), low);                          \
        t = vmlal_high_s8(t, w[0][v], high);                                        \
        t = vmlal_s8(t, vget_low_s8(w[1][v]), next_low);                            \
        t = vmlal_high_s8(t, w[1][v], next_high);                                   \
        acc[r][v] = vpadalq_s16(acc[r][v], t);                                      \
      }                                                                             \
    }                                                                               \
    weights++;                                                                      \
  }
#else /* few registers: each weight is loaded when it is used */
#define MULTIPLY_IN_FOURS(half)
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

ER_INLINE void load_rows(const int rows, const int8_t *const *input, int64_t d, int16x8_t *a) {
  ER_UNROLL for (int r = 0; r < rows; r++) a[r] = vreinterpretq_s16_s8(vld1q_s8(input[r] + d));
}

/* Where the sums start. Each row loads them anew: a copy would take a slot of the vector pipes.
 * That the first one does too keeps its loads beside the loop's products. */
ER_INLINE void start(const int rows, const int vectors, const int32_t *from,
                     int32x4_t acc[ROWS][4]) {
  ER_UNROLL for (int r = 0; r < rows; r++) {
    ER_AGAIN(from);
    ER_UNROLL for (int v = 0; v < vectors; v++) acc[r][v] = vld1q_s32(from + 4 * v);
  }
}

ER_INLINE void settle_rows(const int rows, const int vectors, const enum er_settling how,
                           const er_panel *panel, const int32x4_t acc[ROWS][4],
                           const er_settle_neon *settle, int8_t *to, int64_t stride) {
  const float *scale = panel->scale, *offset = panel->offset;
  int8x16_t q[ROWS];
  if (how == ER_PLAIN) {
    ER_UNROLL for (int r = 0; r < rows; r++, to += stride) {
      ER_UNROLL for (int i = 0; i < vectors / 2; i++) {
        const int32x4x2_t sums = vzipq_s32(acc[r][2 * i], acc[r][2 * i + 1]); /* in order */
        vst1q_s32((int32_t *)(void *)to + 8 * i, sums.val[0]);
        vst1q_s32((int32_t *)(void *)to + 8 * i + 4, sums.val[1]);
      }
    }
    return;
  }
  ER_AGAIN(settle); /* its vectors would take registers of the loop's */
  ER_UNROLL for (int r = 0; r < rows; r++) {
    int16x8_t wide[2];
    er_settle_row_neon(how, ER_EVEN_ODD, vectors, acc[r], scale, &offset, settle, wide);
    q[r] = er_bytes_neon(how, wide[0], wide[vectors / 2 - 1], settle);
  }
  ER_UNROLL for (int r = 0; r < rows; r++, to += stride) {
    if (vectors == 4) vst1q_s8(to, q[r]);
    if (vectors == 2) vst1_s8(to, vget_low_s8(q[r]));
  }
}

/* A branch for each tile, so that one loop serves all ways. */
ER_INLINE void settle_any(const int rows, const int vectors, const int together,
                          const er_panel *panel, const int32x4_t acc[ROWS][4],
                          const er_settle_neon *settle, int8_t *to, int64_t stride) {
#define WAY(way)                                                     \
  if (panel->how == way) {                                           \
    settle_rows(rows, vectors, way, panel, acc, settle, to, stride); \
    return;                                                          \
  }
#ifdef __aarch64__ /* units.c gives the others no such way */
  WAY(ER_ONE_FMA)
  WAY(ER_FMA_ADD)
#endif
  WAY(ER_BOUNDED)
  if (vectors < 4 || together == IN_FOURS) return; /* of all units only, and slow */
  WAY(ER_SATURATED)
  settle_rows(rows, vectors, ER_PLAIN, panel, acc, settle, to, stride);
#undef WAY
}

ER_INLINE void tile(const int rows, const int vectors, const int together, const er_strip s,
                    const er_settle_neon *settle, const int8_t *from, int8_t *to) {
  const bool in_pairs = together > ALONE;
  const er_panel *panel = s.panel;
  const int8_t *input[ROWS];
  const int8_t(*weights)[4][16] = panel->weights;
  int32x4_t acc[ROWS][4];
  int16x8_t a[ROWS];
  ER_UNROLL for (int r = 0; r < rows; r++, from += s.input_stride) input[r] = from;
  int64_t d = 0, last = s.segment - BLOCK; /* of d, in a segment */
  if (together == IN_FOURS ||
      last >= 0) { /* twice the same start: no branch parts it from the loop */
    start(rows, vectors, panel->start, acc);
    for (;; last += s.segment) {
      do {
        if (together == IN_FOURS) {
          MULTIPLY_IN_FOURS(0)
          MULTIPLY_IN_FOURS(1)
        } else {
          load_rows(rows, input, d, a);
          MULTIPLY(0)
          MULTIPLY(1)
          MULTIPLY(2)
          MULTIPLY(3)
        }
        d += BLOCK;
        ER_AGAIN(d); /* else it is kept twice, and moved */
      } while (d <= last);
      if (d + BLOCK > s.depth) break;
      ER_UNROLL for (int r = 0; r < rows; r++) input[r] += s.gap;
    }
  } else {
    start(rows, vectors, panel->start, acc);
  }
  if (together < IN_FOURS && d < s.depth) { /* what lies behind the row meets weights of 0 */
    load_rows(rows, input, d, a);
    MULTIPLY(0)
    if (d + STEP < s.depth) MULTIPLY(1)
    if (d + 2 * STEP < s.depth) MULTIPLY(2)
    if (d + 3 * STEP < s.depth) MULTIPLY(3)
  }
  settle_any(rows, vectors, together, panel, acc, settle, to, s.output_stride);
}

#define TILES(n, vectors, together)                                                     \
  for (; left >= n; left -= n, from += n * s.input_stride, to += n * s.output_stride) { \
    tile(n, vectors, together, s, task->settle, from, to);                              \
  }
#define TILES_IN_PAIRS(vectors) TILES(ROWS, vectors, IN_PAIRS) TILES(1, vectors, IN_PAIRS)
#define FROM const int8_t *from = task->input + at;
ER_RUN_ROWS(run_8, UNITS, panel_bytes(s.depth), , FROM TILES_IN_PAIRS(2))
ER_RUN_ROWS(run_16, UNITS, panel_bytes(s.depth), ,
            FROM if (((const er_panel *)s.panel)->together > ALONE){TILES_IN_PAIRS(4)} TILES(1, 4,
                                                                                             ALONE))

/* Of the first eight units alone, or of all; what saturates is rare, and all. */
static void whole_panels(const er_panel_task *task) {
  const er_panel *panel = task->panel;
  (task->units > 8 || panel->how == ER_SATURATED ? run_16 : run_8)(task);
}

static int32_t written(const void *panel, int32_t units) {
  return units > 8 || ((const er_panel *)panel)->how == ER_SATURATED ? UNITS : 8;
}

static void run(const er_gemm_s8_call *c) {
  er_for_panels(c, (er_panels){UNITS, ROWS, panel_bytes(c->depth), whole_panels, written});
}

const er_gemm_s8 er_gemm_s8_neon = {.name = "gemm_s8_neon",
                                    .unit_step = UNITS,
                                    .row_step = ROWS,
                                    .segment_step = BLOCK,
                                    .line_step = ROWS,
                                    .packed_bytes = packed_bytes,
                                    .pack = pack,
                                    .run = run};

/* ---- weights of 4 bits, two a byte, as nibbles.h packs them -----------------------------------
 */

#ifdef __aarch64__
static size_t squeezed_bytes(int64_t depth) {
  return sizeof(er_panel) + (panel_bytes(depth) - sizeof(er_panel)) / 2;
}

/* In the loop unpacking costs nothing: the multipliers' pipe is busy, the other one is not. */
ER_RUN_ROWS(run_nibbles, UNITS, squeezed_bytes(s.depth), ,
            FROM TILES(ROWS, 4, IN_FOURS) TILES(1, 4, IN_FOURS))

/* Whether the panel of these units is multiplied as it lies. */
static bool is_in_fours(const er_gemm_s8_call *c, int32_t first) {
  const er_panel *panel = (const er_panel *)((const char *)c->packed +
                                             (size_t)(first / UNITS) * squeezed_bytes(c->depth));
  return panel->together == IN_FOURS && c->last - first > 8;
}

void er_w4_run_neon(const er_gemm_s8 *s8, const er_gemm_s8_call *c) {
  if (!er_w4_is_squeezed(s8, c->depth)) {
    s8->run(c);
    return;
  }
  const er_panels panels = {UNITS, ROWS, squeezed_bytes(c->depth), run_nibbles, NULL};
  er_gemm_s8_call part = *c;
  for (part.last = c->first; part.last < c->last;) { /* neighbours of one kind */
    part.first = part.last;
    const bool in_fours = is_in_fours(c, part.first);
    do {
      part.last = c->last - part.last < UNITS ? c->last : part.last + UNITS;
    } while (part.last < c->last && is_in_fours(c, part.last) == in_fours);
    if (in_fours) {
      er_for_panels(&part, panels);
    } else {
      er_w4_run(s8, &part);
    }
  }
}
#else
void er_w4_run_neon(const er_gemm_s8 *s8, const er_gemm_s8_call *c) { er_w4_run(s8, c); }
#endif

/* ---- plain sums -------------------------------------------------------------------------------
 */

static void pack_plain(const er_weights_s8 *w, void *packed) {
  pack_panels(w, (const enum er_settling[]){ER_PLAIN}, ER_PLAIN, packed);
}

static void sums(const er_gemm_s8_call *c, int32_t *sums, int64_t sums_stride) {
  const er_panels panels = {UNITS, ROWS, panel_bytes(c->depth), run_16, NULL};
  er_sums_for_panels(c, panels, sums, sums_stride);
}

const er_gemm_s8 er_gemm_sums_neon = {.name = "gemm_s8_neon",
                                      .unit_step = UNITS,
                                      .row_step = ROWS,
                                      .packed_bytes = packed_bytes,
                                      .pack = pack_plain,
                                      .sums = sums};
