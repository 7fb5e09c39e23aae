/* int8 depthwise convolution with AVX2, 16 channels at a time. Two taps are interleaved as int16
 * and summed into int32 by vpmaddwd. Taps are paired down the rows, so that two neighbouring pixels
 * share the interleaved columns; the last row of an odd filter is paired along the row. */
#include <math.h>

#include "avx2.h"

enum { CHANNELS = 16 };

/* Pairs of taps: rows 2i and 2i + 1 of each column; then, when filter_h is odd, columns 2j and
 * 2j + 1 of the last row, and when filter_w is odd too, (last, none) and (none, last). */
static int32_t pair_count(const er_conv_shape *s) {
  const int32_t down = s->filter_h / 2 * s->filter_w;
  return s->filter_h % 2 == 0 ? down : down + s->filter_w / 2 + 2 * (s->filter_w % 2);
}

/* What a block of channels begins with; slot order is that of the interleaved registers. */
typedef struct block {
  int32_t bias[CHANNELS];
  float scale[CHANNELS];
  int32_t overflows; /* whether some scaled sum could leave int32 */
  int32_t unused[7]; /* pairs start at a multiple of 32 bytes */
  int16_t pairs[][CHANNELS][2];
} block;

static size_t block_bytes(const er_conv_shape *s) {
  return sizeof(block) + (size_t)pair_count(s) * CHANNELS * 2 * sizeof(int16_t);
}

static size_t packed_bytes(const er_conv_shape *s) {
  return ((size_t)s->out_c + CHANNELS - 1) / CHANNELS * block_bytes(s);
}

static size_t scratch_bytes(const er_conv_shape *s) {
  (void)s;
  return 0;
}

static int32_t channel_of_slot(int32_t slot) { return slot % 8 / 4 * 8 + slot / 8 * 4 + slot % 4; }

/* @param tap [..] weights of one channel, out_c apart */
static void pack_pairs(const er_conv_shape *s, const int8_t *tap, int32_t slot, block *to) {
  const int64_t row = (int64_t)s->filter_w * s->out_c;
  int16_t(*pair)[CHANNELS][2] = to->pairs;
  for (int32_t i = 0; i + 1 < s->filter_h; i += 2, tap += 2 * row) {
    for (int32_t j = 0; j < s->filter_w; j++, pair++) {
      (*pair)[slot][0] = tap[(int64_t)j * s->out_c];
      (*pair)[slot][1] = tap[(int64_t)j * s->out_c + row];
    }
  }
  if (s->filter_h % 2 == 0) return;
  for (int32_t j = 0; j + 1 < s->filter_w; j += 2, pair++) {
    (*pair)[slot][0] = tap[(int64_t)j * s->out_c];
    (*pair)[slot][1] = tap[(int64_t)(j + 1) * s->out_c];
  }
  if (s->filter_w % 2 == 0) return;
  pair[0][slot][0] = pair[1][slot][1] = tap[(int64_t)(s->filter_w - 1) * s->out_c];
}

/* |x * w| <= 128 * 128 */
static bool overflows(int32_t bias, int32_t taps, float scale) {
  return !((fabsf((float)bias) + 16384.0f * (float)taps) * scale < 2e9f);
}

static void pack(const er_conv_shape *s, const er_weights_s8 *weights, void *packed) {
  char *at = packed;
  for (int32_t c = 0; c < s->out_c; c += CHANNELS, at += block_bytes(s)) {
    block *to = (block *)(void *)at;
    for (int32_t slot = 0; slot < CHANNELS; slot++) {
      const int32_t channel = c + channel_of_slot(slot);
      if (channel >= s->out_c) continue;
      to->bias[slot] = er_bias_less_zero_point(weights, channel, channel, s->out_c);
      to->scale[slot] = weights->scale[channel];
      to->overflows |= overflows(to->bias[slot], weights->depth, to->scale[slot]);
      pack_pairs(s, weights->values + channel, slot, to);
    }
  }
}

/* ---- running --------------------------------------------------------------------------------- */

typedef struct work {
  const er_dwconv_s8_call *call;
  const block *block;
  int32_t channel;  /* the block's first */
  int32_t channels; /* to store; 16 or more in a whole block */
  er_avx2_range range;
} work;

static ER_ALWAYS_INLINE __m256i load16(const int8_t *from) {
  return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)from));
}

/* The empty instruction keeps gcc from adding in another order, for which registers do not do. */
#define MADD(sum, pair, x0, x1)                                                                   \
  do {                                                                                            \
    const __m256i *weights_ = (const __m256i *)(const void *)(pair);                              \
    sum##_low = _mm256_add_epi32(sum##_low,                                                       \
                                 _mm256_madd_epi16(_mm256_unpacklo_epi16(x0, x1), weights_[0]));  \
    sum##_high = _mm256_add_epi32(sum##_high,                                                     \
                                  _mm256_madd_epi16(_mm256_unpackhi_epi16(x0, x1), weights_[1])); \
    __asm__("" : "+x"(sum##_low), "+x"(sum##_high));                                              \
  } while (0)

/* @param bounds whether a scaled sum may leave int32
 * @return int16, in the order of the channels */
static ER_ALWAYS_INLINE __m256i round_16(const work *w, __m256i low, __m256i high,
                                         const bool bounds) {
  const __m256 scale0 = _mm256_loadu_ps(w->block->scale);
  const __m256 scale1 = _mm256_loadu_ps(w->block->scale + 8);
  if (bounds) {
    low = er_avx2_round(low, scale0, w->range.most);
    high = er_avx2_round(high, scale1, w->range.most);
  } else {
    low = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_cvtepi32_ps(low), scale0));
    high = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_cvtepi32_ps(high), scale1));
  }
  return _mm256_adds_epi16(_mm256_packs_epi32(low, high), w->range.zero_point);
}

/* How much of a general case a loop need not care for: CLEAR has whole blocks, no sum that leaves
 * int32, and no range narrower than int8's. */
enum kind { ANY, WHOLE, CLEAR };

static ER_ALWAYS_INLINE void store(const work *w, __m128i bytes, const enum kind kind,
                                   int8_t *output) {
  if (kind != CLEAR) bytes = _mm_min_epi8(_mm_max_epi8(bytes, w->range.low), w->range.high);
  if (kind != ANY) {
    _mm_storeu_si128((__m128i *)output, bytes);
  } else {
    er_store_bytes(bytes, w->channels, output);
  }
}

/* One output pixel, or two neighbours (stride and dilation 1). Height, width and kind are
 * constants in the fast loops.
 * @param at of the pixel in each line  @param column bytes from column to column */
static ER_ALWAYS_INLINE void pixels(const work *w, int64_t at, int64_t column, const int32_t height,
                                    const int32_t width, const bool two, const enum kind kind,
                                    int8_t *output) {
  __m256i a_low = _mm256_loadu_si256((const __m256i *)w->block->bias);
  __m256i a_high = _mm256_loadu_si256((const __m256i *)(w->block->bias + 8));
  __m256i b_low = a_low, b_high = a_high;
  const int16_t(*pair)[CHANNELS][2] = w->block->pairs;
  const int8_t *const *lines = w->call->lines;
  const int32_t columns = two ? width + 1 : width;
  for (int32_t i = 0; i + 1 < height; i += 2, pair += width) {
    const int8_t *upper = lines[i] + at, *lower = lines[i + 1] + at;
#pragma GCC unroll 8
    for (int32_t j = 0; j < columns; j++, upper += column, lower += column) {
      const __m256i x0 = load16(upper), x1 = load16(lower);
      if (j < width) MADD(a, pair[j], x0, x1);
      if (two && j > 0) MADD(b, pair[j - 1], x0, x1);
    }
  }
  if (height % 2 != 0) {
    const int8_t *last = lines[height - 1] + at;
    __m256i x0 = load16(last);
#pragma GCC unroll 8
    for (int32_t j = 0; j + 1 < columns; j++) {
      last += column;
      const __m256i x1 = load16(last);
      if (j + 1 < width && j % 2 == 0) MADD(a, pair[j / 2], x0, x1);
      if (two && j < width && j % 2 == 1) MADD(b, pair[j / 2], x0, x1);
      if (two && width % 2 != 0 && j + 1 == width) { /* the columns of which each has one tap */
        MADD(a, pair[width / 2], x0, x1);
        MADD(b, pair[width / 2 + 1], x0, x1);
      }
      x0 = x1;
    }
    if (!two && width % 2 != 0) MADD(a, pair[width / 2], x0, _mm256_setzero_si256());
  }
  const __m256i a = round_16(w, a_low, a_high, kind != CLEAR);
  const __m256i b = two ? round_16(w, b_low, b_high, kind != CLEAR) : a;
  const __m256i bytes = _mm256_permute4x64_epi64(_mm256_packs_epi16(a, b), 0xD8);
  store(w, _mm256_castsi256_si128(bytes), kind, output);
  if (two) store(w, _mm256_extracti128_si256(bytes, 1), kind, output + w->call->shape->out_c);
}

static ER_ALWAYS_INLINE void line(const work *given, const int32_t height, const int32_t width,
                                  const enum kind kind) {
  const work w = *given; /* a copy: no store to the output can change it */
  const er_conv_shape *s = w.call->shape;
  const int64_t pixel = s->out_c, column = s->dilation_w * pixel, step = s->stride_w * pixel;
  const int32_t out_w = s->out_w;
  int8_t *output = w.call->output + w.channel;
  int64_t at = w.channel;
  int32_t x = 0;
  if (step == pixel && column == pixel) {
    for (; x + 1 < out_w; x += 2, at += 2 * pixel, output += 2 * pixel) {
      pixels(&w, at, column, height, width, true, kind, output);
    }
  }
  for (; x < out_w; x++, at += step, output += pixel) {
    pixels(&w, at, column, height, width, false, kind, output);
  }
}

static void line_3x3(const work *w) { line(w, 3, 3, WHOLE); }
static void line_5x5(const work *w) { line(w, 5, 5, WHOLE); }
static void line_3x3_clear(const work *w) { line(w, 3, 3, CLEAR); }
static void line_5x5_clear(const work *w) { line(w, 5, 5, CLEAR); }
static void line_any(const work *w) {
  line(w, w->call->shape->filter_h, w->call->shape->filter_w, ANY);
}

static void run(const er_dwconv_s8_call *c) {
  const er_conv_shape *s = c->shape;
  const char *packed = c->packed;
  const bool is_3x3 = s->filter_h == 3 && s->filter_w == 3;
  const bool is_5x5 = s->filter_h == 5 && s->filter_w == 5;
  const bool is_full = c->range.low == -128 && c->range.high == 127;
  work w = {.call = c, .range = er_avx2_range_of(c->range)};
  for (; w.channel < s->out_c; w.channel += CHANNELS, packed += block_bytes(s)) {
    w.block = (const block *)(const void *)packed;
    w.channels = s->out_c - w.channel;
    const bool whole = w.channels >= CHANNELS, clear = is_full && !w.block->overflows;
    if (whole && is_3x3) {
      (clear ? line_3x3_clear : line_3x3)(&w);
    } else if (whole && is_5x5) {
      (clear ? line_5x5_clear : line_5x5)(&w);
    } else {
      line_any(&w);
    }
  }
}

const er_dwconv_s8 er_dwconv_s8_avx2 = {.name = "dwconv_s8_avx2",
                                        .packed_bytes = packed_bytes,
                                        .pack = pack,
                                        .scratch_bytes = scratch_bytes,
                                        .run = run};
