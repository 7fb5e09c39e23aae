/* int8 depthwise convolution with dot products: 8 channels at a time, along the line. Each input
 * column is turned once (ZIP) so that its pixels from four lines lie side by side for each channel,
 * and SDOT adds them to every output pixel that reads the column; then one more pixel is complete.
 * Four lines are all that two output lines of a 3x3 filter read: they are computed together. Of a
 * 5x5 filter the fifth line is turned the other way: four neighbouring columns side by side, and
 * the fifth column comes with the four of the pixel before.
 *
 * Other filters run on the NEON kernel, and 5x5 ones of stride 2 of which some channels are settled
 * in the slowest way, which is rare. */
#include <string.h>

#include "kernels/dotprod/eight_units.h"
#include "kernels/dotprod/layer.h"
#include "kernels/neon/layer.h"

enum { CHANNELS = 8 };

typedef struct er_block {
  er_eight_units units; /* the channels */
  int32_t how;          /* er_settling */
  int32_t unused[7];
  /* 3x3: [column], then the same a line further down for the second output line; 5x5: [column],
   * then columns 1..4 and column 0 of the fifth line. Each is [8 channels][4 lines or columns];
   * what is not used is 0. */
  int8_t weights[][2][16];
} er_block;

typedef struct er_packed {
  int32_t ways; /* of the blocks: bits 1 << how; 0: what follows is the NEON kernel's */
  int32_t unused[15];
  char blocks[];
} er_packed;

static const enum er_settling ways[] = {ER_ONE_FMA, ER_FMA_ADD, ER_SATURATED};

static bool has_kernel(const er_conv_shape *s) {
  const bool square = s->filter_h == s->filter_w && (s->filter_h == 3 || s->filter_h == 5);
  return square && s->dilation_w == 1 && s->stride_w <= 2 && s->out_c >= CHANNELS;
}

static size_t block_bytes(const er_conv_shape *s) {
  return sizeof(er_block) + (size_t)(s->filter_h == 3 ? 6 : 7) * 2 * 16;
}

static int32_t block_count(const er_conv_shape *s) { return (s->out_c + CHANNELS - 1) / CHANNELS; }

/* The last block moves back to end with the last channel: some channels are computed twice. */
static int32_t first_channel(const er_conv_shape *s, int32_t block) {
  const int32_t last = s->out_c - CHANNELS;
  return block * CHANNELS < last ? block * CHANNELS : last;
}

static size_t all_bytes(const er_conv_shape *s) {
  const size_t here = has_kernel(s) ? (size_t)block_count(s) * block_bytes(s) : 0;
  const size_t neon = er_dwconv_s8_neon.packed_bytes(s);
  return here > neon ? here : neon;
}

static size_t packed_bytes(const er_conv_shape *s) { return sizeof(er_packed) + all_bytes(s); }

/* Weights of channel i of the block. @param values of its first tap */
static void pack_taps(const er_conv_shape *s, const int8_t *values, er_block *block, int32_t i) {
  const int32_t filter = s->filter_w, half = i / 4, at = i % 4 * 4;
  for (int32_t line = 0; line < filter; line++) {
    for (int32_t column = 0; column < filter; column++, values += s->out_c) {
      if (line < 4) block->weights[column][half][at + line] = *values;
      if (filter == 3) block->weights[3 + column][half][at + line + 1] = *values;
      if (line < 4) continue;
      if (column > 0) {
        block->weights[5][half][at + column - 1] = *values;
      } else { /* where the four columns of the pixel before hold it */
        block->weights[6][half][at + s->stride_w - 1] = *values;
      }
    }
  }
}

static void pack_block(const er_conv_shape *s, const er_weights_s8 *w, int32_t first,
                       er_block *block) {
  er_unit units[CHANNELS];
  block->how = er_units_of(w, first, CHANNELS, 1, s->out_c, ways, units);
  for (int32_t i = 0; i < CHANNELS; i++) {
    er_set_unit(&units[i], block->how, i, &block->units);
    if (units[i].values) pack_taps(s, units[i].values, block, i);
  }
}

/* @return ways of the blocks */
static int32_t pack_blocks(const er_conv_shape *s, const er_weights_s8 *w, char *blocks) {
  int32_t present = 0;
  for (int32_t b = 0; b < block_count(s); b++) {
    er_block *block = (er_block *)(void *)(blocks + (size_t)b * block_bytes(s));
    pack_block(s, w, first_channel(s, b), block);
    present |= 1 << block->how;
  }
  return present;
}

static void pack(const er_conv_shape *s, const er_weights_s8 *w, void *packed) {
  er_packed *p = packed;
  if (has_kernel(s)) p->ways = pack_blocks(s, w, p->blocks);
  if (s->filter_h == 5 && s->stride_w == 2 && p->ways >> ER_SATURATED & 1) {
    memset(p, 0, packed_bytes(s));
  }
  if (p->ways == 0) er_dwconv_s8_neon.pack(s, w, p->blocks);
}

static size_t scratch_bytes(const er_conv_shape *s) { return er_dwconv_s8_neon.scratch_bytes(s); }

/* What a function along the line is made for: outputs lines of out_w pixels. */
typedef struct er_form {
  int filter, stride, outputs;
} er_form;
enum { MOST_ALIVE = 5, MOST_OUTPUTS = 2, MOST_TAPS = 5 };

/* A block of channels in the lines of a call. */
typedef struct er_strip {
  const int8_t *first; /* line */
  int64_t beyond[5];   /* bytes from it to each line: one base and constant offsets for all */
  const er_block *block;
  int64_t pixel; /* bytes from pixel to pixel: channels */
  int32_t width;
  int8_t *output;
  int64_t output_line; /* bytes from an output line to the next */
  const er_settle_neon *settle;
  int64_t blocks, block_bytes,
      last; /* of the line, and the channel that the last one begins with */
} er_strip;

/* What goes along the line. */
typedef struct er_place {
  const int8_t *from; /* the first line's next column */
  int8_t *to;         /* the pixel that is completed next */
  /* Sums of the pixels that some of the columns so far belong to, at place pixel % alive. */
  int32x4_t acc[MOST_ALIVE][MOST_OUTPUTS][2];
  int8x16_t weights[MOST_OUTPUTS][MOST_TAPS][2];
  /* The last pixels of the fifth line, alone and zipped in pairs, at place pair % alive. */
  int8x16_t fifth, pairs[MOST_ALIVE];
} er_place;

/* Pixels that the columns of one pixel belong to. */
ER_INLINE int alive(const er_form f) { return (f.filter + f.stride - 1) / f.stride; }

ER_INLINE void turn(int8x16_t a, int8x16_t b, int8x16_t c, int8x16_t d, int8x16_t turned[2]) {
  const int16x8_t ab = vreinterpretq_s16_s8(vzip1q_s8(a, b));
  const int16x8_t cd = vreinterpretq_s16_s8(vzip1q_s8(c, d));
  turned[0] = vreinterpretq_s8_s16(vzip1q_s16(ab, cd));
  turned[1] = vreinterpretq_s8_s16(vzip2q_s16(ab, cd));
}

/* vdotq_s32; but of sums that take turns in registers gcc copies every third before it adds. */
ER_INLINE int32x4_t add_dots(int32x4_t sum, int8x16_t a, int8x16_t b) {
  __asm__("sdot %0.4s, %1.16b, %2.16b" : "+w"(sum) : "w"(a), "w"(b));
  return sum;
}

ER_INLINE void add(int32x4_t acc[2], const int8x16_t turned[2], const int8x16_t weights[2]) {
  acc[0] = add_dots(acc[0], turned[0], weights[0]);
  acc[1] = add_dots(acc[1], turned[1], weights[1]);
}

/* The next column. @param column from the first that pixel `slot` reads */
ER_INLINE void add_column(const er_form f, const er_strip *s, const int column, const int slot,
                          er_place *p) {
  const int lines = f.filter + f.outputs - 1;
  int8x16_t in[5], turned[2];
  const int8_t *from = p->from;
  ER_UNROLL for (int i = 0; i < lines; i++) in[i] = vld1q_s8(from + s->beyond[i]);
  from += s->pixel;
  __asm__("" : "+r"(from)); /* step by step: else all addresses are computed first and spilled */
  p->from = from;
  turn(in[0], in[1], in[2], in[lines == 3 ? 2 : 3], turned);
  ER_UNROLL for (int k = 0; k < alive(f); k++) {
    const int tap = column - k * f.stride;
    if (tap < 0 || tap >= f.filter) continue;
    ER_UNROLL for (int o = 0; o < f.outputs; o++) {
      add(p->acc[(slot + k) % alive(f)][o], turned, p->weights[o][tap]);
    }
  }
  if (f.filter < 5) return;
  const bool is_second = f.stride == 1 || column % 2 == 0;
  if (is_second) {
    const int pair = (slot + column / f.stride) % alive(f);
    p->pairs[pair] = vzip1q_s8(column ? p->fifth : in[4], in[4]);
  }
  p->fifth = in[4];
}

/* The four last columns of the fifth line. @param slot of the pixel whose columns 1..4 they are */
ER_INLINE void add_fifth(const er_form f, const er_strip *s, const int slot, er_place *p) {
  const int newest = slot + (f.filter - 1) / f.stride, before = f.stride == 1 ? 2 : 1;
  const int8x16_t older = p->pairs[(newest - before) % alive(f)];
  const int8x16_t newer = p->pairs[newest % alive(f)];
  const int16x8_t a = vreinterpretq_s16_s8(older), b = vreinterpretq_s16_s8(newer);
  const int8x16_t turned[2] = {vreinterpretq_s8_s16(vzip1q_s16(a, b)),
                               vreinterpretq_s8_s16(vzip2q_s16(a, b))};
  const er_block *block = s->block;
  __asm__ volatile("" ::: "memory"); /* these weights would take registers of the others */
  const int8x16_t first[2] = {vld1q_s8(block->weights[6][0]), vld1q_s8(block->weights[6][1])};
  const int8x16_t others[2] = {vld1q_s8(block->weights[5][0]), vld1q_s8(block->weights[5][1])};
  if (slot >= 0) add(p->acc[slot][0], turned, others);
  add(p->acc[(slot + 1) % alive(f)][0], turned, first);
}

ER_INLINE void start(const er_form f, const er_strip *s, const int slot, er_place *p) {
  ER_UNROLL for (int o = 0; o < f.outputs; o++) er_start(s->block->units.start, p->acc[slot][o]);
}

ER_INLINE void settle(const er_form f, const enum er_settling how, const er_strip *s,
                      const int slot, er_place *p) {
  const er_eight_units *units = &s->block->units;
  float32x4_t scale[2];
  er_load_scale(units, scale);
  ER_UNROLL for (int o = 0; o < f.outputs; o++) {
    vst1_s8(p->to + o * s->output_line,
            er_settle_eight(how, units, scale, p->acc[slot][o], s->settle));
  }
  p->to += s->pixel;
}

/* Completes one pixel. */
ER_INLINE void step(const er_form f, const enum er_settling how, const er_strip *s, const int slot,
                    er_place *p) {
  start(f, s, (slot + alive(f) - 1) % alive(f), p);
  ER_UNROLL for (int column = f.filter - f.stride; column < f.filter; column++) {
    add_column(f, s, column, slot, p);
  }
  if (f.filter == 5) add_fifth(f, s, slot, p);
  settle(f, how, s, slot, p);
}

ER_INLINE void open_place(const er_form f, const er_strip *s, er_place *p) {
  p->from = s->first;
  p->to = s->output;
  ER_UNROLL for (int o = 0; o < f.outputs; o++) {
    ER_UNROLL for (int t = 0; t < f.filter; t++) {
      p->weights[o][t][0] = vld1q_s8(s->block->weights[3 * o + t][0]);
      p->weights[o][t][1] = vld1q_s8(s->block->weights[3 * o + t][1]);
    }
  }
  ER_UNROLL for (int k = 0; k + 1 < alive(f); k++) start(f, s, k, p);
  ER_UNROLL for (int column = 0; column < f.filter - f.stride; column++) {
    add_column(f, s, column, 0, p);
  }
  if (f.filter == 5) add_fifth(f, s, -1, p);
}

ER_INLINE void strip(const er_form f, const enum er_settling how, const er_strip s) {
  er_place p;
  int32_t left = s.width;
  open_place(f, &s, &p);
  for (; left >= alive(f); left -= alive(f)) {
    ER_UNROLL for (int slot = 0; slot < alive(f); slot++) step(f, how, &s, slot, &p);
  }
  ER_UNROLL for (int slot = 0; slot + 1 < alive(f); slot++) {
    if (slot < left) step(f, how, &s, slot, &p);
  }
}

/* Of the strips of a call those that are settled in a way. @param s the first */
typedef void strips_function(const er_strip *s);

#define STRIPS(name, way, ...)                                                           \
  static void name(const er_strip *first) {                                              \
    er_strip s = *first;                                                                 \
    for (int64_t b = 0, channel = 0; b < s.blocks; b++, channel += CHANNELS) {           \
      const int64_t from = channel < s.last ? channel : s.last;                          \
      s.first = first->first + from;                                                     \
      s.output = first->output + from;                                                   \
      if (s.block->how == way) strip((er_form){__VA_ARGS__}, way, s);                    \
      s.block = (const er_block *)(const void *)((const char *)s.block + s.block_bytes); \
    }                                                                                    \
  }
#define FMA_STRIPS(name, ...)                     \
  STRIPS(name##_one_fma, ER_ONE_FMA, __VA_ARGS__) \
  STRIPS(name##_fma_add, ER_FMA_ADD, __VA_ARGS__)
FMA_STRIPS(strips_3x3_s1, 3, 1, 1)
FMA_STRIPS(strips_3x3_s1_two, 3, 1, 2)
FMA_STRIPS(strips_3x3_s2, 3, 2, 1)
FMA_STRIPS(strips_5x5_s1, 5, 1, 1)
FMA_STRIPS(strips_5x5_s2, 5, 2, 1)
STRIPS(strips_3x3_s1_saturated, ER_SATURATED, 3, 1, 1)
STRIPS(strips_3x3_s2_saturated, ER_SATURATED, 3, 2, 1)
STRIPS(strips_5x5_s1_saturated, ER_SATURATED, 5, 1, 1)

/* Rare: one line after the other. */
static void strips_3x3_s1_two_saturated(const er_strip *s) {
  er_strip second = *s;
  strips_3x3_s1_saturated(s);
  ER_UNROLL for (int i = 0; i < 3; i++) second.beyond[i] = s->beyond[i + 1];
  second.output += s->output_line;
  strips_3x3_s1_saturated(&second);
}

/* In the order of `ways`. */
#define BY_WAY(name) {name##_one_fma, name##_fma_add, name##_saturated}
#define BY_FMA(name) {name##_one_fma, name##_fma_add, NULL}
enum { ONE_LINE, TWO_LINES, STRIDE_2, FILTER_5X5, FILTER_5X5_STRIDE_2 };
static strips_function *const strips[][3] = {[ONE_LINE] = BY_WAY(strips_3x3_s1),
                                             [TWO_LINES] = BY_WAY(strips_3x3_s1_two),
                                             [STRIDE_2] = BY_WAY(strips_3x3_s2),
                                             [FILTER_5X5] = BY_WAY(strips_5x5_s1),
                                             [FILTER_5X5_STRIDE_2] = BY_FMA(strips_5x5_s2)};

static bool pairs(const er_conv_shape *s) {
  return has_kernel(s) && s->filter_h == 3 && s->stride_h == 1 && s->stride_w == 1 &&
         s->dilation_h == 1;
}

static strips_function *const *strips_for(const er_dwconv_s8_call *c) {
  const bool is_5x5 = c->shape->filter_h == 5;
  if (c->shape->stride_w == 2) return strips[is_5x5 ? FILTER_5X5_STRIDE_2 : STRIDE_2];
  return strips[is_5x5 ? FILTER_5X5 : c->rows == 2 ? TWO_LINES : ONE_LINE];
}

static er_strip first_strip(const er_dwconv_s8_call *c, const er_settle_neon *settle) {
  const er_conv_shape *s = c->shape;
  const er_packed *packed = c->packed;
  er_strip strip = {.first = c->lines[0],
                    .block = (const er_block *)(const void *)packed->blocks,
                    .pixel = s->out_c,
                    .width = s->out_w,
                    .output = c->output,
                    .output_line = (int64_t)s->out_w * s->out_c,
                    .settle = settle,
                    .blocks = block_count(s),
                    .block_bytes = (int64_t)block_bytes(s),
                    .last = s->out_c - CHANNELS};
  for (int32_t i = 0; i < s->filter_h + c->rows - 1; i++) {
    strip.beyond[i] = (int64_t)((uintptr_t)c->lines[i] - (uintptr_t)c->lines[0]);
  }
  return strip;
}

static void run(const er_dwconv_s8_call *c) {
  const er_packed *packed = c->packed;
  if (packed->ways == 0) {
    er_dwconv_s8_call neon = *c;
    neon.packed = packed->blocks;
    er_dwconv_s8_neon.run(&neon);
    return;
  }
  const er_settle_neon settle = er_settle_neon_of(c->range);
  const er_strip first = first_strip(c, &settle);
  for (int i = 0; i < 3; i++) {
    if (packed->ways >> ways[i] & 1) strips_for(c)[i](&first);
  }
}

const er_dwconv_s8 er_dwconv_s8_dotprod = {.name = "dwconv_s8_dotprod",
                                           .packed_bytes = packed_bytes,
                                           .pack = pack,
                                           .scratch_bytes = scratch_bytes,
                                           .pairs = pairs,
                                           .run = run};
