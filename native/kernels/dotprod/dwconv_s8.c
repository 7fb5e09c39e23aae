/* int8 depthwise convolution with dot products: 8 channels at a time. Each input column is turned
 * once (ZIP) so that its pixels from four lines lie side by side for each channel, and SDOT adds
 * them to every output pixel that reads the column. Of a 5x5 filter the fifth line is turned the
 * other way: four neighbouring columns side by side, and the fifth column comes with the next
 * pixel's four.
 *
 * Other filters run on the NEON kernel. */
#include "kernels/dotprod/layer.h"
#include "kernels/neon/layer.h"
#include "kernels/neon/settle.h"
#include "kernels/neon/store.h"
#include "kernels/neon/units.h"

enum { CHANNELS = 8, MOST = 7 }; /* MOST: pixels at once */

typedef struct er_block {
  int32_t start[CHANNELS]; /* of the sums */
  float scale[CHANNELS], offset[CHANNELS];
  int32_t how; /* er_settling */
  int32_t unused[7];
  /* 3x3: [column], 5x5: [column], then columns 0..3 and column 4 of the fifth line. Each is
   * [8 channels][4 lines or columns]; what is not used is 0. */
  int8_t weights[][2][16];
} er_block;

static const enum er_settling ways[] = {ER_ONE_FMA, ER_RECTIFIED, ER_SATURATED};

static bool has_kernel(const er_conv_shape *s) {
  const bool square = s->filter_h == s->filter_w && (s->filter_h == 3 || s->filter_h == 5);
  return square && s->dilation_w == 1 && s->stride_w <= 2;
}

static size_t block_bytes(const er_conv_shape *s) {
  return sizeof(er_block) + (size_t)(s->filter_h == 3 ? 3 : 7) * 2 * 16;
}

static int32_t block_count(const er_conv_shape *s) { return (s->out_c + CHANNELS - 1) / CHANNELS; }

/* The last block moves back to end with the last channel: some channels are computed twice. */
static int32_t first_channel(const er_conv_shape *s, int32_t block) {
  const int32_t last = s->out_c > CHANNELS ? s->out_c - CHANNELS : 0;
  return block * CHANNELS < last ? block * CHANNELS : last;
}

static size_t packed_bytes(const er_conv_shape *s) {
  return has_kernel(s) ? (size_t)block_count(s) * block_bytes(s)
                       : er_dwconv_s8_neon.packed_bytes(s);
}

/* Weights of channel i of the block. @param values of its first tap */
static void pack_taps(const er_conv_shape *s, const int8_t *values, er_block *block, int32_t i) {
  const int32_t filter = s->filter_w, half = i / 4, at = i % 4 * 4;
  for (int32_t line = 0; line < filter; line++) {
    for (int32_t column = 0; column < filter; column++, values += s->out_c) {
      if (line < 4) {
        block->weights[column][half][at + line] = *values;
      } else if (column < 4) {
        block->weights[5][half][at + column] = *values;
      } else { /* column 4 is `stride` columns further left for the next pixel */
        block->weights[6][half][at + 4 - s->stride_w] = *values;
      }
    }
  }
}

static void pack_block(const er_conv_shape *s, const er_weights_s8 *w, int32_t first,
                       er_block *block) {
  const int32_t count = s->out_c - first < CHANNELS ? s->out_c - first : CHANNELS;
  er_unit units[CHANNELS];
  block->how = er_units_of(w, first, count, 1, s->out_c, ways, units);
  for (int32_t i = 0; i < count; i++) {
    const er_unit_constants constants = er_constants_of(&units[i], block->how);
    block->start[i] = constants.start;
    block->scale[i] = constants.scale;
    block->offset[i] = constants.offset;
    if (units[i].values) pack_taps(s, units[i].values, block, i);
  }
}

static void pack(const er_conv_shape *s, const er_weights_s8 *w, void *packed) {
  if (!has_kernel(s)) {
    er_dwconv_s8_neon.pack(s, w, packed);
    return;
  }
  for (int32_t b = 0; b < block_count(s); b++) {
    er_block *block = (er_block *)((char *)packed + (size_t)b * block_bytes(s));
    pack_block(s, w, first_channel(s, b), block);
  }
}

static size_t scratch_bytes(const er_conv_shape *s) { return er_dwconv_s8_neon.scratch_bytes(s); }

/* One block of channels of a line. */
typedef struct er_strip {
  const int8_t *first; /* line */
  int64_t beyond[5];   /* bytes from it to each line: one base and constant offsets for all */
  const er_block *block;
  int64_t pixel; /* bytes from pixel to pixel: channels */
  int8_t *output;
  int32_t channels; /* to write, 1..8 */
} er_strip;

/* Four bytes of each of 8 channels side by side. */
ER_INLINE void turn(const int8x16_t in[4], int8x16_t turned[2]) {
  const int16x8_t ab = vreinterpretq_s16_s8(vzip1q_s8(in[0], in[1]));
  const int16x8_t cd = vreinterpretq_s16_s8(vzip1q_s8(in[2], in[3]));
  turned[0] = vreinterpretq_s8_s16(vzip1q_s16(ab, cd));
  turned[1] = vreinterpretq_s8_s16(vzip2q_s16(ab, cd));
}

ER_INLINE void add(int32x4_t acc[2], const int8x16_t turned[2], const int8_t weights[2][16]) {
  acc[0] = vdotq_s32(acc[0], turned[0], vld1q_s8(weights[0]));
  acc[1] = vdotq_s32(acc[1], turned[1], vld1q_s8(weights[1]));
}

/* The lines 0..3 (of 3: the weights of the fourth are 0). @param in of the first column that is
 * read */
ER_INLINE void add_columns(const int count, const int filter, const int stride, const er_strip *s,
                           int64_t at, int32x4_t acc[MOST][2]) {
  const int8_t *from = s->first + at;
  ER_UNROLL for (int column = 0; column < (count - 1) * stride + filter; column++) {
    int8x16_t in[4], turned[2];
    ER_UNROLL for (int i = 0; i < 4; i++) {
      in[i] = i < filter ? vld1q_s8(from + s->beyond[i]) : in[2];
    }
    from += s->pixel;
    __asm__("" : "+r"(from)); /* step by step: else all addresses are computed first and spilled */
    turn(in, turned);
    ER_UNROLL for (int p = 0; p < count; p++) {
      const int tap = column - p * stride;
      if (tap >= 0 && tap < filter) add(acc[p], turned, s->block->weights[tap]);
    }
  }
}

/* The fifth line. */
ER_INLINE void add_fifth(const int count, const int stride, const er_strip *s, int64_t at,
                         int32x4_t acc[MOST][2]) {
  const int8_t *from = s->first + s->beyond[4] + at;
  ER_UNROLL for (int p = 0; p <= count; p++) {
    int8x16_t in[4], turned[2];
    ER_UNROLL for (int i = 0; i < 4; i++) {
      const bool is_read = p < count || i == 4 - stride;
      in[i] = is_read ? vld1q_s8(from + i * s->pixel) : vdupq_n_s8(0);
    }
    from += stride * s->pixel;
    __asm__("" : "+r"(from));
    turn(in, turned);
    if (p < count) add(acc[p], turned, s->block->weights[5]);
    if (p > 0) add(acc[p - 1], turned, s->block->weights[6]);
  }
}

ER_INLINE void settle_pixels(const int count, const enum er_settling how, const er_strip *s,
                             const int32x4_t acc[MOST][2], const er_settle_neon *settle,
                             int8_t *to) {
  const float *offset = s->block->offset;
  int8x8_t q[MOST];
  ER_AGAIN(settle); /* its vectors would take registers of the sums' */
  ER_UNROLL for (int p = 0; p < count; p++) {
    if (how >= ER_RECTIFIED) ER_AGAIN(offset);
    const int16x8_t wide =
        er_settle8_neon(how, ER_IN_ORDER, acc[p][0], acc[p][1], s->block->scale, offset, settle);
    q[p] = er_eight_bytes_neon(how, wide, settle);
  }
  if (s->channels == CHANNELS) {
    ER_UNROLL for (int p = 0; p < count; p++, to += s->pixel) vst1_s8(to, q[p]);
  } else {
    int8x16_t parts[MOST];
    ER_UNROLL for (int p = 0; p < count; p++) parts[p] = vcombine_s8(q[p], q[p]);
    er_store_parts_neon(parts, count, s->channels, s->pixel, to);
  }
}

/* The rare case, for any count. */
static void settle_saturated(int count, const er_strip *s, const int32x4_t acc[MOST][2],
                             const er_settle_neon *settle, int8_t *to) {
  for (int p = 0; p < count; p++, to += s->pixel) {
    settle_pixels(1, ER_SATURATED, s, acc + p, settle, to);
  }
}

/* `count` pixels from output pixel x on. */
ER_INLINE void pixels(const int count, const int filter, const int stride, const er_strip *s,
                      int32_t x, const er_settle_neon *settle) {
  const int64_t at = (int64_t)x * stride * s->pixel;
  const int32_t *start = s->block->start;
  int32x4_t acc[MOST][2];
  ER_UNROLL for (int p = 0; p < count; p++) {
    acc[p][0] = vld1q_s32(start);
    acc[p][1] = vld1q_s32(start + 4);
    ER_AGAIN(start); /* a copy would take a slot of the vector pipes */
  }
  add_columns(count, filter, stride, s, at, acc);
  if (filter == 5) add_fifth(count, stride, s, at, acc);
  int8_t *to = s->output + x * s->pixel;
  if (s->block->how == ER_ONE_FMA) {
    settle_pixels(count, ER_ONE_FMA, s, acc, settle, to);
  } else if (s->block->how == ER_RECTIFIED) {
    settle_pixels(count, ER_RECTIFIED, s, acc, settle, to);
  } else {
    int32x4_t sums[MOST][2]; /* a copy, so that the vectors need no memory in the common case */
    ER_UNROLL for (int p = 0; p < count; p++) sums[p][0] = acc[p][0], sums[p][1] = acc[p][1];
    settle_saturated(count, s, sums, settle, to);
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
  const int32_t channel = first_channel(c->shape, block);
  strip->block =
      (const er_block *)((const char *)c->packed + (size_t)block * block_bytes(c->shape));
  strip->first = c->lines[0] + channel;
  strip->output = c->output + channel;
}

/* Seven pixels at a time, since widths are often multiples of that; the last ones may overlap. */
#define LINE(name, filter, stride)                                                      \
  static void name(const er_dwconv_s8_call *c) {                                        \
    const int32_t width = c->shape->out_w, blocks = block_count(c->shape);              \
    const er_settle_neon settle = er_settle_neon_of(c->range);                          \
    er_strip s = strip_of(c);                                                           \
    for (int32_t b = 0; b < blocks; b++) {                                              \
      go_to_block(c, b, &s);                                                            \
      int32_t x = 0;                                                                    \
      for (; x + 4 < width && width >= MOST; x += MOST) {                               \
        pixels(MOST, filter, stride, &s, x + MOST > width ? width - MOST : x, &settle); \
      }                                                                                 \
      if (width == 5) pixels(5, filter, stride, &s, 0, &settle), x = 5;                 \
      for (; x < width && width >= 4; x += 4) {                                         \
        pixels(4, filter, stride, &s, x + 4 > width ? width - 4 : x, &settle);          \
      }                                                                                 \
      for (; x < width; x++) pixels(1, filter, stride, &s, x, &settle);                 \
    }                                                                                   \
  }
LINE(line_3x3_s1, 3, 1)
LINE(line_3x3_s2, 3, 2)
LINE(line_5x5_s1, 5, 1)
LINE(line_5x5_s2, 5, 2)

static void run(const er_dwconv_s8_call *c) {
  static void (*const lines[2][2])(const er_dwconv_s8_call *) = {{line_3x3_s1, line_3x3_s2},
                                                                 {line_5x5_s1, line_5x5_s2}};
  if (has_kernel(c->shape)) {
    lines[c->shape->filter_h == 5][c->shape->stride_w - 1](c);
  } else {
    er_dwconv_s8_neon.run(c);
  }
}

const er_dwconv_s8 er_dwconv_s8_dotprod = {.name = "dwconv_s8_dotprod",
                                           .packed_bytes = packed_bytes,
                                           .pack = pack,
                                           .scratch_bytes = scratch_bytes,
                                           .run = run};
