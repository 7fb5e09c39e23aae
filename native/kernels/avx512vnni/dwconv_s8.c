/* int8 depthwise convolution with AVX-512 VNNI, 64 channels at a time. Four taps are interleaved as
 * bytes and summed by vpdpbusd, which reads them as x + 128. Taps are grouped down the rows, so
 * that along a line (stride 1) each interleaved column serves all pixels that it touches. */
#include "avx512vnni.h"

enum { CHANNELS = 64, QUAD = 4 };

/* Groups of four taps: rows 4i..4i + 3 of each column (fewer at the end); a single last row is
 * grouped along its columns instead. */
static int32_t group_count(const er_conv_shape *s) {
  const int32_t whole = s->filter_h / QUAD * s->filter_w, rest = s->filter_h % QUAD;
  return whole + (rest == 0 ? 0 : rest == 1 ? (s->filter_w + QUAD - 1) / QUAD : s->filter_w);
}

/* What a block of channels begins with; slot order is that of the interleaved registers. */
typedef struct block {
  int32_t bias[CHANNELS];
  float scale[CHANNELS];
  int8_t groups[][CHANNELS][QUAD];
} block;

static size_t block_bytes(const er_conv_shape *s) {
  return sizeof(block) + (size_t)group_count(s) * CHANNELS * QUAD;
}

static size_t packed_bytes(const er_conv_shape *s) {
  return ((size_t)s->out_c + CHANNELS - 1) / CHANNELS * block_bytes(s);
}

static size_t scratch_bytes(const er_conv_shape *s) {
  (void)s;
  return 0;
}

static int32_t channel_of_slot(int32_t slot) {
  return slot % 16 / 4 * 16 + slot / 16 * 4 + slot % 4;
}

/* @param taps [filter_h, filter_w] of one channel, out_c apart */
static void pack_groups(const er_conv_shape *s, const int8_t *taps, int32_t slot, block *to) {
  const int32_t single = s->filter_h % QUAD == 1 ? s->filter_h - 1 : s->filter_h;
  for (int32_t i = 0; i < s->filter_h; i++) {
    for (int32_t j = 0; j < s->filter_w; j++, taps += s->out_c) {
      const bool along = i == single;
      const int32_t group = i / QUAD * s->filter_w + (along ? j / QUAD : j);
      to->groups[group][slot][along ? j % QUAD : i % QUAD] = *taps;
    }
  }
}

static void pack(const er_conv_shape *s, const er_weights_s8 *weights, void *packed) {
  er_weights_s8 lifted = *weights;
  lifted.input_zero_point += 128;
  char *at = packed;
  for (int32_t c = 0; c < s->out_c; c += CHANNELS, at += block_bytes(s)) {
    block *to = (block *)(void *)at;
    for (int32_t slot = 0; slot < CHANNELS; slot++) {
      const int32_t channel = c + channel_of_slot(slot);
      if (channel >= s->out_c) continue;
      to->bias[slot] = er_bias_less_zero_point(&lifted, channel, channel, s->out_c);
      to->scale[slot] = weights->scale[channel];
      pack_groups(s, weights->values + channel, slot, to);
    }
  }
}

/* ---- running --------------------------------------------------------------------------------- */

typedef struct work {
  const er_dwconv_s8_call *call;
  const block *block;
  int32_t channel; /* the block's first */
  __mmask64 store; /* the channels that exist */
  er_avx512_range range;
} work;

/* Four taps of 64 channels, or sums of 64 channels. */
typedef struct four {
  __m512i v0, v1, v2, v3;
} four;

static ER_ALWAYS_INLINE __m512i lifted(const int8_t *from) {
  return _mm512_xor_si512(_mm512_loadu_si512(from), _mm512_set1_epi8(-128));
}

static ER_ALWAYS_INLINE four interleave(__m512i a, __m512i b, __m512i c, __m512i d) {
  const __m512i ab_low = _mm512_unpacklo_epi8(a, b), ab_high = _mm512_unpackhi_epi8(a, b);
  const __m512i cd_low = _mm512_unpacklo_epi8(c, d), cd_high = _mm512_unpackhi_epi8(c, d);
  return (four){_mm512_unpacklo_epi16(ab_low, cd_low), _mm512_unpackhi_epi16(ab_low, cd_low),
                _mm512_unpacklo_epi16(ab_high, cd_high), _mm512_unpackhi_epi16(ab_high, cd_high)};
}

static ER_ALWAYS_INLINE four load_four(const void *from) {
  const __m512i *v = from;
  return (four){_mm512_loadu_si512(v), _mm512_loadu_si512(v + 1), _mm512_loadu_si512(v + 2),
                _mm512_loadu_si512(v + 3)};
}

static ER_ALWAYS_INLINE four dot(four sums, four x, const void *group) {
  const four w = load_four(group);
  return (four){_mm512_dpbusd_epi32(sums.v0, x.v0, w.v0), _mm512_dpbusd_epi32(sums.v1, x.v1, w.v1),
                _mm512_dpbusd_epi32(sums.v2, x.v2, w.v2), _mm512_dpbusd_epi32(sums.v3, x.v3, w.v3)};
}

static ER_ALWAYS_INLINE void settle(const work *w, four sums, int8_t *output) {
  const float *scale = w->block->scale;
  const __m512 most = w->range.most;
  const __m512i low =
      _mm512_packs_epi32(er_avx512_round(sums.v0, _mm512_loadu_ps(scale), most),
                         er_avx512_round(sums.v1, _mm512_loadu_ps(scale + 16), most));
  const __m512i high =
      _mm512_packs_epi32(er_avx512_round(sums.v2, _mm512_loadu_ps(scale + 32), most),
                         er_avx512_round(sums.v3, _mm512_loadu_ps(scale + 48), most));
  const __m512i bytes = _mm512_packs_epi16(_mm512_adds_epi16(low, w->range.zero_point),
                                           _mm512_adds_epi16(high, w->range.zero_point));
  const __m512i least = _mm512_broadcast_i32x4(_mm256_castsi256_si128(w->range.low));
  const __m512i top = _mm512_broadcast_i32x4(_mm256_castsi256_si128(w->range.high));
  _mm512_mask_storeu_epi8(output, w->store, _mm512_min_epi8(_mm512_max_epi8(bytes, least), top));
}

/* Up to four rows of one column; the weights of rows that are not there are 0. */
static ER_ALWAYS_INLINE four column_of(const int8_t *const *lines, int64_t at, const int32_t rows) {
  const __m512i a = lifted(lines[0] + at);
  const __m512i b = rows > 1 ? lifted(lines[1] + at) : a;
  const __m512i c = rows > 2 ? lifted(lines[2] + at) : a;
  return interleave(a, b, c, rows > 3 ? lifted(lines[3] + at) : c);
}

/* One output pixel of a filter of any size; height and width are constants in the fast loops.
 * @param at of the pixel in each line  @param column bytes from column to column */
static ER_ALWAYS_INLINE four pixel_sums(const work *w, int64_t at, int64_t column,
                                        const int32_t height, const int32_t width) {
  const int8_t(*group)[CHANNELS][QUAD] = w->block->groups;
  const int8_t *const *lines = w->call->lines;
  four sums = load_four(w->block->bias);
  int32_t i = 0;
  for (; height - i > 1; i += QUAD) {
    const int32_t rows = height - i < QUAD ? height - i : QUAD;
    for (int32_t j = 0; j < width; j++, group++) {
      sums = dot(sums, column_of(lines + i, at + j * column, rows), group);
    }
  }
  if (i >= height) return sums;
  const int8_t *last = lines[i] + at;
  for (int32_t j = 0; j < width; j += QUAD, group++, last += QUAD * column) {
    const __m512i a = lifted(last), b = j + 1 < width ? lifted(last + column) : a;
    const __m512i c = j + 2 < width ? lifted(last + 2 * column) : a;
    const __m512i d = j + 3 < width ? lifted(last + 3 * column) : a;
    sums = dot(sums, interleave(a, b, c, d), group);
  }
  return sums;
}

static ER_ALWAYS_INLINE void line(const work *given, const int32_t height, const int32_t width) {
  const work w = *given; /* a copy: no store to the output can change it */
  const er_conv_shape *s = w.call->shape;
  const int64_t pixel = s->out_c, column = s->dilation_w * pixel, step = s->stride_w * pixel;
  int8_t *output = w.call->output + w.channel;
  int64_t at = w.channel;
  for (int32_t x = 0; x < s->out_w; x++, at += step, output += pixel) {
    settle(&w, pixel_sums(&w, at, column, height, width), output);
  }
}

static void line_3x3(const work *w) { line(w, 3, 3); }
static void line_5x5(const work *w) { line(w, 5, 5); }
static void line_any(const work *w) { line(w, w->call->shape->filter_h, w->call->shape->filter_w); }

/* Stride 1: the interleaved columns move on from pixel to pixel. */
static void line_3x3_dense(const work *given) {
  const work w = *given;
  const int8_t *const lines[3] = {w.call->lines[0], w.call->lines[1], w.call->lines[2]};
  const int64_t pixel = w.call->shape->out_c;
  const int8_t(*group)[CHANNELS][QUAD] = w.block->groups;
  int8_t *output = w.call->output + w.channel;
  int64_t at = w.channel + 2 * pixel;
  four left = column_of(lines, at - 2 * pixel, 3), middle = column_of(lines, at - pixel, 3);
  for (int32_t x = w.call->shape->out_w; x > 0; x--, at += pixel, output += pixel) {
    const four right = column_of(lines, at, 3);
    four sums = dot(load_four(w.block->bias), left, group[0]);
    sums = dot(sums, middle, group[1]);
    settle(&w, dot(sums, right, group[2]), output);
    left = middle;
    middle = right;
  }
}

static void run(const er_dwconv_s8_call *c) {
  const er_conv_shape *s = c->shape;
  const char *packed = c->packed;
  const bool is_3x3 = s->filter_h == 3 && s->filter_w == 3;
  const bool is_5x5 = s->filter_h == 5 && s->filter_w == 5;
  const bool is_dense = s->stride_w == 1 && s->dilation_w == 1;
  work w = {.call = c, .range = er_avx512_range_of(c->range)};
  for (; w.channel < s->out_c; w.channel += CHANNELS, packed += block_bytes(s)) {
    const int32_t left = s->out_c - w.channel;
    w.block = (const block *)(const void *)packed;
    w.store = left >= CHANNELS ? ~UINT64_C(0) : (UINT64_C(1) << left) - 1;
    (is_3x3 && is_dense ? line_3x3_dense : is_3x3 ? line_3x3 : is_5x5 ? line_5x5 : line_any)(&w);
  }
}

const er_dwconv_s8 er_dwconv_s8_avx512vnni = {.name = "dwconv_s8_avx512vnni",
                                              .packed_bytes = packed_bytes,
                                              .pack = pack,
                                              .scratch_bytes = scratch_bytes,
                                              .run = run};
