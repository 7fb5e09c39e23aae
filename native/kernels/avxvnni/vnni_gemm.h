/* int8 gemm with vpdpbusd, which adds the products of four unsigned and four signed bytes to an
 * int32: rows are read as x + 128, the difference is in the bias. One source for both vector
 * widths; before it is included these are defined:
 *
 *   LANES                 int32s of a vector
 *   vector                a vector of integers
 *   load, store           of a vector
 *   spread(from)          four bytes in all lanes
 *   dot(sums, x, w)       vpdpbusd
 *   lift(from, to)        a vector of bytes, 128 added
 *   output_range, output_range_of(range)
 *   store_narrow(v, scale, range, units, output)       from sums to LANES bytes
 *   store_whole(v0, v1, scale, range, units, output)   from sums to 2 * LANES bytes
 *   EACH_ROW(DO)          DO(0) .. DO(ROWS - 1)
 *   ROWS                  rows of a tile */
#include <string.h>

#include "kernels/kernels.h"
#include "kernels/slots.h"

#ifndef ER_ALWAYS_INLINE
#define ER_ALWAYS_INLINE inline __attribute__((always_inline))
#endif

enum {
  UNITS = 2 * LANES, /* of a panel */
  NARROW = LANES,    /* of a panel of one vector, the last one of a layer */
  CHUNK = 2048,      /* depth at once */
  AHEAD = 4096,      /* bytes: weights come from afar in a steady stream */
  STRIDE = CHUNK + 64,
  BLOCK = 16,              /* panels for which one tile of rows is prepared */
  BLOCK_BYTES = 256 * 1024 /* and that stay in the second-level cache */
};

/* What a panel begins with; the weights follow. Slot order is that of the registers. */
typedef struct panel {
  int32_t bias[UNITS];
  float scale[UNITS];
  int8_t weights[]; /* [depth / 4][width][4] */
} panel;

static int32_t padded(int32_t depth) { return (depth + 3) / 4 * 4; }

static size_t panel_bytes(int32_t depth) {
  return (sizeof(panel) + (size_t)padded(depth) * UNITS + 63) / 64 * 64;
}

static size_t packed_bytes(int32_t units, int32_t depth) {
  return ((size_t)units + UNITS - 1) / UNITS * panel_bytes(depth);
}

static void pack_panel(const er_weights_s8 *weights, int32_t first, panel *to) {
  const int32_t left = weights->units - first, width = left <= NARROW ? NARROW : UNITS;
  er_weights_s8 lifted = *weights;
  lifted.input_zero_point += 128;
  for (int32_t slot = 0; slot < width; slot++) {
    const int32_t unit = er_unit_of_slot(LANES, width != NARROW, slot);
    if (unit >= left) continue;
    const int64_t at = (int64_t)(first + unit) * weights->depth;
    to->bias[slot] = er_bias_less_zero_point(&lifted, first + unit, at, 1);
    to->scale[slot] = weights->scale[first + unit];
    for (int32_t d = 0; d < weights->depth; d++) {
      to->weights[((int64_t)(d / 4) * width + slot) * 4 + d % 4] = weights->values[at + d];
    }
  }
}

static void pack(const er_weights_s8 *weights, void *packed) {
  char *to = packed;
  for (int32_t u = 0; u < weights->units; u += UNITS, to += panel_bytes(weights->depth)) {
    pack_panel(weights, u, (panel *)(void *)to);
  }
}

static void lift_rows(const int8_t *input, int64_t stride, int32_t rows, int32_t depth,
                      uint8_t *to) {
  for (int32_t r = 0; r < rows; r++, input += stride, to += STRIDE) {
    for (int32_t d = 0; d < depth; d += 4 * LANES) lift(input + d, to + d);
  }
}

/* ---- a tile of rows times a panel ------------------------------------------------------------ */

typedef struct tile {
  const panel *panel;
  const int8_t *weights; /* of this chunk */
  const uint8_t *bytes;  /* [ROWS][STRIDE] */
  int32_t depth;         /* of this chunk, a multiple of 4 */
  bool first, last;
  bool plain;    /* the sums are the result */
  int32_t *sums; /* [ROWS][UNITS], kept between chunks, or the result in slot order */
  output_range range;
  int32_t units; /* to store */
  int8_t *output;
  int64_t output_stride;
} tile;

#define DECLARE(r) vector s##r##0 = bias0, s##r##1 = bias1;
#define RESUME(r)                                                 \
  if (rows > r) {                                                 \
    s##r##0 = load(t->sums + r * UNITS);                          \
    if (vectors > 1) s##r##1 = load(t->sums + r * UNITS + LANES); \
  }
#define SUSPEND(r)                                                \
  if (rows > r) {                                                 \
    store(t->sums + r * UNITS, s##r##0);                          \
    if (vectors > 1) store(t->sums + r * UNITS + LANES, s##r##1); \
  }
#define DOT(r)                                      \
  if (rows > r) {                                   \
    const vector x = spread(bytes + r * STRIDE);    \
    s##r##0 = dot(s##r##0, x, w0);                  \
    if (vectors > 1) s##r##1 = dot(s##r##1, x, w1); \
  }
#define STORE(r)                                                                                \
  if (rows > r && vectors > 1) {                                                                \
    store_whole(s##r##0, s##r##1, scale, t->range, t->units, t->output + r * t->output_stride); \
  } else if (rows > r) {                                                                        \
    store_narrow(s##r##0, scale, t->range, t->units, t->output + r * t->output_stride);         \
  }

/* rows and vectors are constants, so that all sums are registers. */
static ER_ALWAYS_INLINE void multiply(const tile *t, const int rows, const int vectors) {
  const vector bias0 = load(t->panel->bias), bias1 = load(t->panel->bias + LANES);
  EACH_ROW(DECLARE)
  if (!t->first) {
    EACH_ROW(RESUME)
  }
  const uint8_t *bytes = t->bytes;
  const int8_t *weights = t->weights;
  for (int32_t d = 0; d < t->depth; d += 4, bytes += 4, weights += 4 * LANES * vectors) {
    _mm_prefetch((const char *)weights + AHEAD, _MM_HINT_T0);
    if (LANES * vectors > 16) _mm_prefetch((const char *)weights + AHEAD + 64, _MM_HINT_T0);
    const vector w0 = load(weights), w1 = vectors > 1 ? load(weights + 4 * LANES) : w0;
    EACH_ROW(DOT)
  }
  if (!t->last || t->plain) {
    EACH_ROW(SUSPEND)
    return;
  }
  const float *scale = t->panel->scale;
  EACH_ROW(STORE)
}

#define KERNEL(r)                                                    \
  static void narrow_##r(const tile *t) { multiply(t, (r) + 1, 1); } \
  static void whole_##r(const tile *t) { multiply(t, (r) + 1, 2); }
EACH_ROW(KERNEL)

#define KERNELS(r) {narrow_##r, whole_##r},
static void (*const kernels[ROWS][2])(const tile *t) = {EACH_ROW(KERNELS)};

/* ---- the whole product ----------------------------------------------------------------------- */

/* Rows [row, row + rows) times the panels of units [first, last), chunk by chunk of the depth. */
static void multiply_tile(const er_gemm_s8_call *c, er_plain_sums plain, int32_t row, int32_t rows,
                          int32_t first, int32_t last, uint8_t *bytes) {
  int32_t sums[BLOCK][ROWS * UNITS];
  const int32_t depth = padded(c->depth);
  const char *packed = c->packed;
  tile t = {.range = output_range_of(c->range),
            .bytes = bytes,
            .output_stride = c->output_stride,
            .plain = plain.to != NULL};
  for (int32_t d = 0; d < depth; d += CHUNK) {
    t.depth = depth - d < CHUNK ? depth - d : CHUNK;
    t.first = d == 0;
    t.last = d + CHUNK >= depth;
    lift_rows(c->input + row * c->input_stride + d, c->input_stride, rows, t.depth, bytes);
    for (int32_t unit = first; unit < last; unit += UNITS) {
      const bool whole = c->units - unit > NARROW;
      t.panel = (const panel *)(const void *)(packed + unit / UNITS * panel_bytes(c->depth));
      t.weights = t.panel->weights + (int64_t)d * (whole ? UNITS : NARROW);
      t.units = last - unit;
      t.sums = sums[(unit - first) / UNITS];
      if (!plain.to) t.output = c->output + row * c->output_stride + unit;
      kernels[rows - 1][whole](&t);
      if (plain.to && t.last) {
        er_store_tile(LANES, whole, t.sums, rows, t.units,
                      plain.to + row * plain.stride + unit - c->first, plain.stride);
      }
    }
  }
}

static int32_t units_of_block(int32_t depth) {
  const size_t panels = BLOCK_BYTES / panel_bytes(depth);
  return UNITS * (panels < 1 ? 1 : panels > BLOCK ? BLOCK : (int32_t)panels);
}

static void multiply_all(const er_gemm_s8_call *c, er_plain_sums plain) {
  uint8_t bytes[ROWS * STRIDE];
  const int32_t block = units_of_block(c->depth);
  const int32_t tiles = (c->rows + ROWS - 1) / ROWS; /* of nearly equal height */
  for (int32_t unit = c->first; unit < c->last; unit += block) {
    const int32_t end = c->last - unit < block ? c->last : unit + block;
    for (int32_t i = 0; i < tiles; i++) {
      const int32_t row = (int32_t)((int64_t)c->rows * i / tiles);
      const int32_t next = (int32_t)((int64_t)c->rows * (i + 1) / tiles);
      multiply_tile(c, plain, row, next - row, unit, end, bytes);
    }
  }
}

static void run(const er_gemm_s8_call *c) { multiply_all(c, (er_plain_sums){NULL, 0}); }

static void sums(const er_gemm_s8_call *c, int32_t *to, int64_t stride) {
  multiply_all(c, (er_plain_sums){to, stride});
}
