/* Minimal filtering in float32: the patches of many tiles are transformed, multiplied position by
 * position by the gemm, and the sums transformed back. */
#include <math.h>

#include "conv_winograd.h"

enum { TILES = 24, LINE = 16 }; /* tiles at once; floats of a cache line */

/* Floats from a position to the next; not a multiple of a page, where caches would keep few. */
static int64_t position_floats(int32_t width) { return (int64_t)TILES * width + LINE; }

static size_t position_bytes(const er_conv_gemm *conv) {
  return er_align_up(er_packed_f32(conv->f32, conv->shape.out_c, conv->shape.in_c));
}

size_t er_conv_winograd_f32_packed(const er_conv_gemm *conv) {
  return ER_POSITIONS * position_bytes(conv);
}

/* Room for patches, sums, and a pixel that does not exist. */
size_t er_conv_winograd_f32_bytes(const er_conv_gemm *conv) {
  const er_conv_shape *s = &conv->shape;
  const int64_t positions = position_floats(s->in_c) + position_floats(s->out_c);
  return er_align_up((size_t)(ER_POSITIONS * positions + s->out_c) * sizeof(float));
}

/* ---- weights --------------------------------------------------------------------------------- */

/* Line or column i of G w: w0, (w0 + w1 + w2) / 2, (w0 - w1 + w2) / 2, w2. */
static float filtered(int32_t i, float w0, float w1, float w2) {
  return i == 0 ? w0 : i == 1 ? (w0 + w1 + w2) * 0.5f : i == 2 ? (w0 - w1 + w2) * 0.5f : w2;
}

/* U at position (y, x). @param w of one channel, taps `step` apart */
static float filter_at(int32_t y, int32_t x, const float *w, int64_t step) {
  float columns[3];
  for (int32_t i = 0; i < 3; i++) {
    columns[i] = filtered(y, w[i * step], w[(3 + i) * step], w[(6 + i) * step]);
  }
  return filtered(x, columns[0], columns[1], columns[2]);
}

/* The middle position goes into all four outputs once: it has the bias. */
edgert_status er_conv_winograd_f32_pack(er_plan *plan, const er_conv_gemm *conv,
                                        const float *values, const float *bias, char *packed) {
  enum { MIDDLE = 5 };
  const int32_t units = conv->shape.out_c, channels = conv->shape.in_c;
  const size_t count = (size_t)units * (size_t)channels;
  float *filter = er_plan_borrow(plan, count * sizeof *filter);
  if (!filter) return er_plan_no_memory(plan);
  for (int32_t i = 0; i < ER_POSITIONS; i++, packed += position_bytes(conv)) {
    for (size_t at = 0; at < count; at++) {
      const size_t unit = at / (size_t)channels, c = at % (size_t)channels;
      const float *taps = values + unit * (size_t)conv->depth + c;
      filter[at] = filter_at(i / ER_PATCH, i % ER_PATCH, taps, channels);
    }
    er_pack_f32(conv->f32, units, channels, filter, false, i == MIDDLE ? bias : NULL, packed);
  }
  return EDGERT_OK;
}

/* ---- running --------------------------------------------------------------------------------- */

/* What a thread needs. */
typedef struct er_lines {
  const er_conv_gemm *conv;
  int32_t rows;
  const float *input;
  int64_t stride; /* floats from an input line to the next */
  float *output;
  float *patches, *sums; /* [ER_POSITIONS][TILES, channels or units] */
  float *nowhere;        /* [units] a pixel that does not exist */
} er_lines;

typedef struct er_place {
  int32_t x, y; /* of a tile's first output */
} er_place;

static int32_t least(int32_t a, int32_t b) { return a < b ? a : b; }

static er_place place_of(const er_lines *l, int32_t tile) {
  const int32_t across = (l->conv->shape.out_w + 1) / ER_TILE;
  return (er_place){tile % across * ER_TILE, tile / across * ER_TILE};
}

/* What lies under outputs that do not exist may be anything. */
static void transform(const er_lines *l, er_place at, float *to) {
  const er_conv_shape *s = &l->conv->shape;
  er_winograd_patch patch;
  for (int32_t i = 0; i < ER_PATCH; i++) {
    patch.lines[i] = l->input + least(at.y + i, l->rows + 1) * l->stride;
    patch.columns[i] = (int64_t)least(at.x + i, s->out_w + 1) * s->in_c;
  }
  l->conv->winograd_f32->patch(&patch, s->in_c, position_floats(s->in_c), to);
}

static void multiply(const er_lines *l, int32_t tiles) {
  const er_conv_gemm *conv = l->conv;
  const er_conv_shape *s = &conv->shape;
  er_gemm_f32_call call = {.rows = tiles,
                           .depth = s->in_c,
                           .units = s->out_c,
                           .input = l->patches,
                           .input_stride = s->in_c,
                           .packed = conv->packed,
                           .last = s->out_c,
                           .low = -INFINITY,
                           .high = INFINITY,
                           .output = l->sums,
                           .output_stride = s->out_c};
  for (int32_t i = 0; i < ER_POSITIONS; i++) {
    conv->f32->run(&call);
    call.input += position_floats(s->in_c);
    call.packed = (const char *)call.packed + position_bytes(conv);
    call.output += position_floats(s->out_c);
  }
}

static void transform_back(const er_lines *l, er_place at, const float *sums) {
  const er_conv_gemm *conv = l->conv;
  const er_conv_shape *s = &conv->shape;
  float *outputs[ER_OUTPUTS];
  for (int32_t i = 0; i < ER_OUTPUTS; i++) {
    const int32_t y = at.y + i / ER_TILE, x = at.x + i % ER_TILE;
    const bool exists = y < l->rows && x < s->out_w;
    outputs[i] = exists ? l->output + ((int64_t)y * s->out_w + x) * conv->pixel_step : l->nowhere;
  }
  conv->winograd_f32->outputs(s->out_c, sums, position_floats(s->out_c), conv->bounds.low,
                              conv->bounds.high, outputs);
}

void er_conv_winograd_f32_lines(const er_conv_gemm *conv, int32_t rows, const float *lines,
                                int64_t line_floats, float *output, float *scratch) {
  const er_conv_shape *s = &conv->shape;
  float *sums = scratch + ER_POSITIONS * position_floats(s->in_c);
  const er_lines l = {conv,   rows,    lines, line_floats,
                      output, scratch, sums,  sums + ER_POSITIONS * position_floats(s->out_c)};
  const int32_t tiles = (s->out_w + 1) / ER_TILE * ((rows + 1) / ER_TILE);
  const int32_t parts = (tiles + TILES - 1) / TILES; /* of nearly equal size */
  for (int32_t i = 0, first = 0, count; i < parts; i++, first += count) {
    count = tiles / parts + (i < tiles % parts);
    for (int32_t t = 0; t < count; t++) {
      transform(&l, place_of(&l, first + t), l.patches + (int64_t)t * s->in_c);
    }
    multiply(&l, count);
    for (int32_t t = 0; t < count; t++) {
      transform_back(&l, place_of(&l, first + t), l.sums + (int64_t)t * s->out_c);
    }
  }
}
