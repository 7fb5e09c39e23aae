/* int8 depthwise convolution for ARMv8.0: 16 channels at a time, their weights in registers, two
 * neighbouring pixels at once so that what both read is loaded once. Products are added in int16 as
 * far as the weights prove that they fit, then widened into the int32 sums:
 *   ALL_TAPS  128 * sum of |w| < 2^15 for every channel, as with 4-bit weights
 *   IN_PAIRS  no two weights of a pair are -128: 2 * 128 * 127 < 2^15
 *   ALONE     else */
#include "kernels/neon/layer.h"
#include "kernels/neon/settle.h"
#include "kernels/neon/store.h"
#include "kernels/neon/units.h"

#ifdef __aarch64__
enum { PIXELS = 4, ALWAYS = 0 }; /* at once */
#else
enum { PIXELS = 2, ALWAYS = 2 }; /* there are 16 vector registers, not 32 */
#endif
enum { PAIRS = 2 };
enum { CHANNELS = 16 };
enum { ALONE = 1, IN_PAIRS = 2, ALL_TAPS = 25 }; /* products in a row in int16 */

typedef struct er_block {
  int32_t start[CHANNELS]; /* of the sums */
  float scale[CHANNELS], offset[CHANNELS];
  int32_t how; /* er_settling */
  int32_t unused[3];
  int8_t weights[][CHANNELS]; /* [taps] */
} er_block;

typedef struct er_packed {
  int32_t chain;  /* ALONE, IN_PAIRS or ALL_TAPS */
  int32_t excess; /* that `widen` adds to the sums of a line function, taken out of the starts */
  int32_t unused[14];
  char blocks[];
} er_packed;

#ifdef __aarch64__
#define FASTEST ER_ONE_FMA
#else
#define FASTEST ER_BOUNDED
#endif
static const enum er_settling ways[] = {FASTEST, ER_FMA_ADD, ER_BOUNDED, ER_SATURATED};

enum { PARTLY = -1 }; /* less than a block is to be stored */

/* One block of channels of a line. */
typedef struct er_strip {
  const int8_t *first; /* line */
  int64_t beyond[5];   /* bytes from it to each line: one base and constant offsets for all */
  const er_block *block;
  int32_t how;   /* of the block, or PARTLY */
  int64_t pixel; /* bytes from pixel to pixel: channels */
  int8_t *output;
  int32_t channels; /* to write, 1..16 */
} er_strip;

typedef void line_function(const er_dwconv_s8_call *call);

static size_t block_bytes(const er_conv_shape *s) {
  return sizeof(er_block) + (size_t)s->filter_h * (size_t)s->filter_w * CHANNELS;
}

static int32_t block_count(const er_conv_shape *s) { return (s->out_c + CHANNELS - 1) / CHANNELS; }

/* The last block moves back to end with the last channel: some channels are computed twice. */
static int32_t first_channel(const er_conv_shape *s, int32_t block) {
  const int32_t last = s->out_c > CHANNELS ? s->out_c - CHANNELS : 0;
  return block * CHANNELS < last ? block * CHANNELS : last;
}

static size_t packed_bytes(const er_conv_shape *s) {
  return sizeof(er_packed) + (size_t)block_count(s) * block_bytes(s);
}

/* How many products of channel c may be added in int16. */
static int32_t chain_of(const er_weights_s8 *w, int32_t c) {
  int32_t sum = 0;
  bool in_pairs = true;
  for (int32_t t = 0; t < w->depth; t++) {
    const int8_t *value = w->values + (int64_t)t * w->units + c;
    sum += *value < 0 ? -*value : *value;
    if (t % 2 == 1 && *value == -128 && value[-w->units] == -128) in_pairs = false;
  }
  return sum <= 255 && w->depth <= ALL_TAPS ? ALL_TAPS : in_pairs ? IN_PAIRS : ALONE;
}

static void pack_block(const er_conv_shape *s, const er_weights_s8 *w, int32_t first,
                       int32_t excess, er_block *block) {
  const int32_t count = s->out_c - first < CHANNELS ? s->out_c - first : CHANNELS;
  er_unit units[CHANNELS];
  block->how = er_units_of(w, first, count, 1, w->units, ways, units);
  for (int32_t i = 0; i < count; i++) {
    const er_unit_constants constants = er_constants_of(&units[i], block->how);
    block->start[i] = (int32_t)((uint32_t)constants.start - (uint32_t)excess);
    block->scale[i] = constants.scale;
    block->offset[i] = constants.offset;
    for (int32_t t = 0; t < w->depth && units[i].values; t++) {
      block->weights[t][i] = units[i].values[(int64_t)t * w->units];
    }
  }
}

static void pack(const er_conv_shape *s, const er_weights_s8 *w, void *packed) {
  er_packed *p = packed;
  p->chain = ALL_TAPS;
  for (int32_t c = 0; c < s->out_c; c++) {
    const int32_t chain = chain_of(w, c);
    p->chain = chain < p->chain ? chain : p->chain;
  }
  const uint32_t groups = (uint32_t)((w->depth + p->chain - 1) / p->chain);
  p->excess = (int32_t)(groups << 15);
  for (int32_t b = 0; b < block_count(s); b++) {
    er_block *block = (er_block *)(p->blocks + (size_t)b * block_bytes(s));
    pack_block(s, w, first_channel(s, b), p->excess, block);
  }
}

static size_t scratch_bytes(const er_conv_shape *s) {
  (void)s;
  return 0;
}

ER_INLINE int8x16_t settle_pixel(const enum er_settling how, const int32x4_t acc[4],
                                 const er_block *block, const float **offset,
                                 const er_settle_neon *settle) {
  int16x8_t wide[2];
  er_settle_row_neon(how, ER_NARROWED, 4, acc, block->scale, offset, settle, wide);
  return er_bytes_neon(how, wide[0], wide[1], settle);
}

/* All channels of a block. The stores are in one piece with the sums' way to them. */
ER_INLINE void settle_pixels(const int count, const enum er_settling how, const int32x4_t acc[4][4],
                             const er_strip *s, const er_settle_neon *settle, int8_t *to) {
  const float *offset = s->block->offset;
  int8x16_t q[4];
  ER_AGAIN(settle); /* its vectors would take registers of the sums' */
  ER_UNROLL for (int p = 0; p < count; p++) {
    q[p] = settle_pixel(how, acc[p], s->block, &offset, settle);
  }
  ER_UNROLL for (int p = 0; p < count; p++) vst1q_s8(to + p * s->pixel, q[p]);
}

ER_INLINE void settle_in_turn(const enum er_settling how, int count, const int32x4_t acc[][4],
                              const er_block *block, const er_settle_neon *settle, int8x16_t *q) {
  const float *offset = block->offset;
  for (int p = 0; p < count; p++) q[p] = settle_pixel(how, acc[p], block, &offset, settle);
}

/* What is not settled in place: one function for all lines, to keep them small. */
static __attribute__((noinline)) void settle_any(int count, const int32x4_t acc[][4],
                                                 const er_strip *s, const er_settle_neon *settle,
                                                 int8_t *to) {
  const er_block *block = s->block;
  int8x16_t q[4];
  if (block->how == ER_FMA_ADD) {
    settle_in_turn(ER_FMA_ADD, count, acc, block, settle, q);
  } else if (block->how == ER_BOUNDED) {
    settle_in_turn(ER_BOUNDED, count, acc, block, settle, q);
  } else if (block->how == ER_SATURATED) {
    settle_in_turn(ER_SATURATED, count, acc, block, settle, q);
  } else {
    settle_in_turn(FASTEST, count, acc, block, settle, q);
  }
  er_store_parts_neon(q, count, s->channels, s->pixel, to);
}

/* Add eight int16 to int32 sums. SADDW would do; but on the A72 it takes turns on the pipe of the
 * multipliers, while SABAL, acc += |t - (-2^15)| = t + 2^15, runs beside them. `pack` has taken the
 * 2^15 out of the bias. */
ER_INLINE void widen(int16x8_t t, int32x4_t *low, int32x4_t *high) {
  const int16x8_t least = vdupq_n_s16(INT16_MIN);
  *low = vabal_s16(*low, vget_low_s16(t), vget_low_s16(least));
  *high = vabal_high_s16(*high, t, least);
}

/* `count` pixels from output pixel x on. */
ER_INLINE void pixels(const int count, const int filter, const int stride, const int chain,
                      const er_strip *s, int32_t x, const er_settle_neon *settle) {
  const int taps = filter * filter;
  const int8_t *columns[3 * 2 + 5];
  columns[0] = s->first + (int64_t)x * stride * s->pixel;
  ER_UNROLL for (int i = 1; i < (count - 1) * stride + filter; i++) {
    columns[i] = columns[i - 1] + s->pixel;
    __asm__("" : "+r"(columns[i])); /* else the addresses of all lines and columns are computed */
  }
  const int32_t *start = s->block->start;
  int32x4_t acc[4][4];
  ER_UNROLL for (int p = 0; p < count; p++) {
    ER_UNROLL for (int v = 0; v < 4; v++) {
      ER_AGAIN(start); /* a copy would take a slot of the vector pipes, a pair of loads three */
      acc[p][v] = vld1q_s32(start + 4 * v);
    }
  }
  ER_UNROLL for (int first = 0; first < taps; first += chain) {
    const int end = first + chain < taps ? first + chain : taps;
    int16x8_t low[4], high[4];
    ER_UNROLL for (int t = first; t < end; t++) {
      const int8x16_t w = vld1q_s8(s->block->weights[t]);
      ER_UNROLL for (int p = 0; p < count; p++) {
        const int8x16_t in = vld1q_s8(columns[p * stride + t % filter] + s->beyond[t / filter]);
        low[p] = t == first ? vmull_s8(vget_low_s8(w), vget_low_s8(in))
                            : vmlal_s8(low[p], vget_low_s8(w), vget_low_s8(in));
        high[p] = t == first ? vmull_high_s8(w, in) : vmlal_high_s8(high[p], w, in);
      }
    }
    ER_UNROLL for (int p = 0; p < count; p++) {
      widen(low[p], &acc[p][0], &acc[p][1]);
      widen(high[p], &acc[p][2], &acc[p][3]);
    }
  }
  const bool is_common = PIXELS > 2 && count == PIXELS;
  int8_t *to = s->output + x * s->pixel;
  if (s->how == FASTEST) {
    settle_pixels(count, FASTEST, acc, s, settle, to);
  } else if (is_common && s->how == ER_FMA_ADD) {
    settle_pixels(count, ER_FMA_ADD, acc, s, settle, to);
  } else if (is_common && filter == 3 && chain == IN_PAIRS && s->how == ER_BOUNDED) {
    settle_pixels(count, ER_BOUNDED, acc, s, settle, to);
  } else {
    int32x4_t sums[4][4]; /* a copy, so that the vectors need no memory in the common cases */
    ER_UNROLL for (int p = 0; p < count; p++) {
      ER_UNROLL for (int v = 0; v < 4; v++) sums[p][v] = acc[p][v];
    }
    settle_any(count, sums, s, settle, to);
  }
}

static er_strip strip_of(const er_dwconv_s8_call *c) {
  er_strip strip = {.pixel = c->shape->out_c,
                    .channels = c->shape->out_c < CHANNELS ? c->shape->out_c : CHANNELS};
  for (int32_t i = 0; i < c->shape->filter_h; i++) {
    strip.beyond[i] = (int64_t)((uintptr_t)c->lines[i] - (uintptr_t)c->lines[0]);
  }
  return strip;
}

ER_INLINE void go_to_block(const er_dwconv_s8_call *c, int32_t block, er_strip *strip) {
  const er_packed *packed = c->packed;
  const int32_t channel = first_channel(c->shape, block);
  strip->block = (const er_block *)(packed->blocks + (size_t)block * block_bytes(c->shape));
  strip->how = strip->channels == CHANNELS ? strip->block->how : PARTLY;
  strip->first = c->lines[0] + channel;
  strip->output = c->output + channel;
}

/* PIXELS at a time, of which the last may overlap those before; two where no more are left.
 * @param rest PAIRS; or ALWAYS: PIXELS even there, which is less code */
#define LINE(name, filter, stride, chain, rest)                                       \
  static void name(const er_dwconv_s8_call *c) {                                      \
    const int32_t width = c->shape->out_w, blocks = block_count(c->shape);            \
    const er_settle_neon settle = er_settle_neon_of(c->range);                        \
    er_strip s = strip_of(c);                                                         \
    for (int32_t b = 0; b < blocks; b++) {                                            \
      go_to_block(c, b, &s);                                                          \
      int32_t x = 0;                                                                  \
      for (; PIXELS > 2 && x + rest < width && width >= PIXELS; x += PIXELS) {        \
        const int32_t from = x + PIXELS > width ? width - PIXELS : x;                 \
        pixels(PIXELS, filter, stride, chain, &s, from, &settle);                     \
      }                                                                               \
      for (; rest > 0 && x < width; x += 2) {                                         \
        pixels(2, filter, stride, chain, &s, x + 2 > width ? width - 2 : x, &settle); \
      }                                                                               \
    }                                                                                 \
  }
LINE(line_3x3_s1, 3, 1, IN_PAIRS, PAIRS)
LINE(line_3x3_s2, 3, 2, IN_PAIRS, PAIRS)
LINE(line_5x5_s1, 5, 1, IN_PAIRS, PAIRS)
LINE(line_5x5_s2, 5, 2, IN_PAIRS, ALWAYS)
LINE(line_3x3_s1_chained, 3, 1, ALL_TAPS, PAIRS)
LINE(line_3x3_s2_chained, 3, 2, ALL_TAPS, PAIRS)
LINE(line_5x5_s1_chained, 5, 1, ALL_TAPS, PAIRS)
LINE(line_5x5_s2_chained, 5, 2, ALL_TAPS, ALWAYS)

/* The function for a line, NULL: there is none. */
static line_function *line_for(const er_conv_shape *s, int32_t chain) {
  static line_function *const lines[2][2][2] = {
      {{line_3x3_s1, line_3x3_s2}, {line_5x5_s1, line_5x5_s2}},
      {{line_3x3_s1_chained, line_3x3_s2_chained}, {line_5x5_s1_chained, line_5x5_s2_chained}}};
  const bool square = s->filter_h == s->filter_w && (s->filter_h == 3 || s->filter_h == 5);
  if (!square || s->dilation_w != 1 || s->stride_w > 2) return NULL;
  if (s->out_w < (s->filter_h == 5 && s->stride_w == 2 ? PIXELS : 2)) return NULL;
  if (chain == ALONE) return NULL;
  return lines[chain == ALL_TAPS][s->filter_h == 5][s->stride_w - 1];
}

/* Any filter, stride and dilation: one pixel, one product at a time. */
static void any_pixel(const er_dwconv_s8_call *c, const er_strip *strip, int32_t x,
                      const er_settle_neon *settle) {
  const er_conv_shape *s = c->shape;
  const er_packed *packed = c->packed;
  const er_block *block = strip->block;
  const int64_t channel = strip->first - c->lines[0];
  int32x4_t acc[4];
  ER_UNROLL for (int v = 0; v < 4; v++) {
    acc[v] = vaddq_s32(vld1q_s32(block->start + 4 * v), vdupq_n_s32(packed->excess));
  }
  const int8_t(*weights)[CHANNELS] = block->weights;
  for (int32_t i = 0; i < s->filter_h; i++) {
    const int8_t *from = c->lines[i] + (int64_t)x * s->stride_w * strip->pixel + channel;
    for (int32_t j = 0; j < s->filter_w; j++, from += s->dilation_w * strip->pixel) {
      const int8x16_t in = vld1q_s8(from), w = vld1q_s8(*weights++);
      const int16x8_t low = vmull_s8(vget_low_s8(w), vget_low_s8(in)), high = vmull_high_s8(w, in);
      acc[0] = vaddw_s16(acc[0], vget_low_s16(low));
      acc[1] = vaddw_high_s16(acc[1], low);
      acc[2] = vaddw_s16(acc[2], vget_low_s16(high));
      acc[3] = vaddw_high_s16(acc[3], high);
    }
  }
  settle_any(1, &acc, strip, settle, strip->output + x * strip->pixel);
}

static void run(const er_dwconv_s8_call *c) {
  const er_packed *packed = c->packed;
  line_function *const line = line_for(c->shape, packed->chain);
  if (line) {
    line(c);
    return;
  }
  const er_settle_neon settle = er_settle_neon_of(c->range);
  er_strip strip = {.pixel = c->shape->out_c,
                    .channels = c->shape->out_c < CHANNELS ? c->shape->out_c : CHANNELS};
  for (int32_t b = 0; b < block_count(c->shape); b++) {
    go_to_block(c, b, &strip);
    for (int32_t x = 0; x < c->shape->out_w; x++) any_pixel(c, &strip, x, &settle);
  }
}

const er_dwconv_s8 er_dwconv_s8_neon = {.name = "dwconv_s8_neon",
                                        .packed_bytes = packed_bytes,
                                        .pack = pack,
                                        .scratch_bytes = scratch_bytes,
                                        .run = run};
