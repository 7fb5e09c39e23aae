/* int8 depthwise convolution with AVX2, 16 channels at a time. Two taps are interleaved as int16
 * and summed into int32 by vpmaddwd. Taps are paired down the rows, so that neighbouring pixels
 * share the interleaved columns; the last row of an odd filter is paired along the row. */
#include <math.h>

#include "avx2.h"

enum { CHANNELS = 16 };

/* Pairs of taps: rows 2i and 2i + 1 of each column; then, when filter_h is odd, columns 2j and
 * 2j + 1 of the last row, and columns 2j - 1 and 2j for pixels that begin between two pairs. What
 * lies outside of the filter is 0. */
static int32_t pair_count(const er_conv_shape *s) {
  const int32_t down = s->filter_h / 2 * s->filter_w;
  return s->filter_h % 2 == 0 ? down : down + s->filter_w + 1;
}

static int32_t last_even_pairs(int32_t width) { return (width + 1) / 2; }

/* What a block of channels begins with; slot order is that of the interleaved registers. */
typedef struct block {
  int32_t bias[CHANNELS];
  float scale[CHANNELS];
  int32_t overflows; /* whether some scaled sum could leave int32 */
  int32_t reaches;   /* whether some sum could reach 2^23 */
  int32_t unused[6]; /* pairs start at a multiple of 32 bytes */
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
  int16_t(*between)[CHANNELS][2] = pair + last_even_pairs(s->filter_w);
  for (int32_t j = 0; j < s->filter_w; j++, tap += s->out_c) {
    pair[j / 2][slot][j % 2] = between[(j + 1) / 2][slot][(j + 1) % 2] = *tap;
  }
}

/* @return what no sum exceeds: |x * w| <= 128 * 128 */
static float most_of(int32_t bias, int32_t taps) {
  return fabsf((float)bias) + 16384.0f * (float)taps;
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
      const float most = most_of(to->bias[slot], weights->depth);
      to->overflows |= !(most * to->scale[slot] < 2e9f);
      to->reaches |= !(most < 0x1p23f);
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
  __m256i bias[2]; /* low and high slots */
  __m256 offset[2];
} work;

static ER_ALWAYS_INLINE __m256i load16(const int8_t *from) {
  return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)from));
}

/* The empty instruction keeps gcc from adding in another order, for which registers do not do. */
#define ADD(sum, pairs)                                                                \
  do {                                                                                 \
    const __m256i *weights_ = (const __m256i *)(const void *)(pairs);                  \
    sum##_low = _mm256_add_epi32(sum##_low, _mm256_madd_epi16(x_low, weights_[0]));    \
    sum##_high = _mm256_add_epi32(sum##_high, _mm256_madd_epi16(x_high, weights_[1])); \
    __asm__("" : "+x"(sum##_low), "+x"(sum##_high));                                   \
  } while (0)

/* Column j of two rows is tap j - k * stride of pixel k. */
#define DOWN(k, sum) \
  if (k < count && j >= k * stride && j - k * stride < width) ADD(sum, pair[j - k * stride]);

/* Columns j and j + 1 of the last row likewise. */
#define ALONG(k, sum)                                                           \
  if (k < count && j + 1 >= k * stride && j - k * stride < width) {             \
    ADD(sum, (k * stride % 2 == 0 ? pair : between)[(j + 1 - k * stride) / 2]); \
  }

#define EACH_PIXEL(DO) DO(0, a) DO(1, b) DO(2, c) DO(3, d)

/* How much of a general case a loop need not care for. WHOLE: parts of blocks. CLEAR: no sum leaves
 * int32, the range is int8's. RECTIFIED: the zero point is -128 too, and sums stay below 2^23. */
enum kind { ANY, WHOLE, CLEAR, RECTIFIED };

static ER_ALWAYS_INLINE __m256i round_8(const work *w, __m256i sums, const int half,
                                        const enum kind kind) {
  const __m256 scale = _mm256_loadu_ps(w->block->scale + 8 * half);
  if (kind == RECTIFIED) return er_avx2_rectify(sums, scale, w->offset[half]);
  if (kind != CLEAR) return er_avx2_round(sums, scale, w->range.most);
  return _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_cvtepi32_ps(sums), scale));
}

/* @return int16, in the order of the channels */
static ER_ALWAYS_INLINE __m256i round_16(const work *w, __m256i low, __m256i high,
                                         const enum kind kind) {
  const __m256i wide = _mm256_packs_epi32(round_8(w, low, 0, kind), round_8(w, high, 1, kind));
  return kind == RECTIFIED ? wide : _mm256_adds_epi16(wide, w->range.zero_point);
}

/* @param p,q two pixels, as int16
 * @return one behind the other */
static ER_ALWAYS_INLINE __m256i settle(const work *w, __m256i p, __m256i q, const enum kind kind) {
  __m256i bytes = kind == RECTIFIED ? er_avx2_rectified(p, q) : _mm256_packs_epi16(p, q);
  if (kind < CLEAR) {
    bytes = _mm256_max_epi8(bytes, _mm256_broadcastsi128_si256(w->range.low));
    bytes = _mm256_min_epi8(bytes, _mm256_broadcastsi128_si256(w->range.high));
  }
  return _mm256_permute4x64_epi64(bytes, 0xD8);
}

static ER_ALWAYS_INLINE void store(const work *w, __m128i bytes, const enum kind kind,
                                   int8_t *output) {
  if (kind == ANY) {
    er_store_bytes(bytes, w->channels, output);
  } else {
    _mm_storeu_si128((__m128i *)output, bytes);
  }
}

/* Two pixels from their sums, or one. */
#define STORE(p, q, two, to)                                                    \
  do {                                                                          \
    const __m256i p_ = round_16(w, p##_low, p##_high, kind);                    \
    const __m256i q_ = (two) ? round_16(w, q##_low, q##_high, kind) : p_;       \
    const __m256i bytes_ = settle(w, p_, q_, kind);                             \
    store(w, _mm256_castsi256_si128(bytes_), kind, to);                         \
    if (two) store(w, _mm256_extracti128_si256(bytes_, 1), kind, (to) + pixel); \
  } while (0)

/* 1, 2 or 4 neighbouring output pixels; more than one with no dilation. Height, width, stride,
 * count and kind are constants in the fast loops.
 * @param at of the first pixel in each line  @param column bytes from column to column */
static ER_ALWAYS_INLINE void pixels(const work *w, int64_t at, int64_t column, const int32_t height,
                                    const int32_t width, const int32_t stride, const int32_t count,
                                    const enum kind kind, int8_t *output) {
  const int64_t pixel = w->call->shape->out_c;
  __m256i a_low = w->bias[0], a_high = w->bias[1];
  __m256i b_low = a_low, b_high = a_high, c_low = a_low, c_high = a_high;
  __m256i d_low = a_low, d_high = a_high;
  const int16_t(*pair)[CHANNELS][2] = w->block->pairs;
  const int8_t *const *lines = w->call->lines;
  const int32_t columns = (count - 1) * stride + width;
  for (int32_t i = 0; i + 1 < height; i += 2, pair += width) {
    const int8_t *upper = lines[i] + at, *lower = lines[i + 1] + at;
#pragma GCC unroll 11
    for (int32_t j = 0; j < columns; j++, upper += column, lower += column) {
      const __m256i x0 = load16(upper), x1 = load16(lower);
      const __m256i x_low = _mm256_unpacklo_epi16(x0, x1), x_high = _mm256_unpackhi_epi16(x0, x1);
      EACH_PIXEL(DOWN)
    }
  }
  if (height % 2 != 0) {
    const int16_t(*between)[CHANNELS][2] = pair + last_even_pairs(width);
    const int8_t *last = lines[height - 1] + at;
#pragma GCC unroll 6
    for (int32_t j = 0; j < columns; j += 2, last += 2 * column) {
      const __m256i x0 = load16(last), x1 = j + 1 < columns ? load16(last + column) : x0;
      const __m256i x_low = _mm256_unpacklo_epi16(x0, x1), x_high = _mm256_unpackhi_epi16(x0, x1);
      EACH_PIXEL(ALONG)
    }
  }
  STORE(a, b, count > 1, output);
  if (count > 2) STORE(c, d, true, output + 2 * pixel);
}

static ER_ALWAYS_INLINE void begin(work *w, const enum kind kind) {
  for (int half = 0; half < 2; half++) {
    w->bias[half] = _mm256_loadu_si256((const __m256i *)(w->block->bias + 8 * half));
    if (kind != RECTIFIED) continue;
    w->bias[half] = _mm256_add_epi32(w->bias[half], _mm256_set1_epi32(ER_TWO_23_BITS));
    w->offset[half] = er_avx2_rectify_offset(_mm256_loadu_ps(w->block->scale + 8 * half));
  }
}

/* @param stride a constant; 0: pixels share nothing */
static ER_ALWAYS_INLINE void line(const work *given, const int32_t height, const int32_t width,
                                  const int32_t stride, const enum kind kind) {
  work w = *given; /* a copy: no store to the output can change it */
  begin(&w, kind);
  const er_conv_shape *s = w.call->shape;
  const int64_t pixel = s->out_c, column = s->dilation_w * pixel, step = s->stride_w * pixel;
  const int32_t out_w = s->out_w;
  int8_t *output = w.call->output + w.channel;
  int64_t at = w.channel;
  int32_t x = 0;
  if (stride > 0) {
    for (; x + 3 < out_w; x += 4, at += 4 * step, output += 4 * pixel) {
      pixels(&w, at, pixel, height, width, stride, 4, kind, output);
    }
    if (x + 1 < out_w) {
      pixels(&w, at, pixel, height, width, stride, 2, kind, output);
      x += 2, at += 2 * step, output += 2 * pixel;
    }
  }
  for (; x < out_w; x++, at += step, output += pixel) {
    pixels(&w, at, column, height, width, 1, 1, kind, output);
  }
}

#define LINE(size, stride)                                                                   \
  static void line_##size##_##stride(const work *w) { line(w, size, size, stride, WHOLE); }  \
  static void clear_##size##_##stride(const work *w) { line(w, size, size, stride, CLEAR); } \
  static void rectified_##size##_##stride(const work *w) { line(w, size, size, stride, RECTIFIED); }
LINE(3, 1)
LINE(3, 2)
LINE(5, 1)
LINE(5, 2)

static void line_any(const work *w) {
  line(w, w->call->shape->filter_h, w->call->shape->filter_w, 0, ANY);
}

#define LINES(size, stride) \
  {line_##size##_##stride, clear_##size##_##stride, rectified_##size##_##stride}

/* [5x5][stride 2][kind - WHOLE] */
static void (*const lines_of[2][2][3])(const work *w) = {{LINES(3, 1), LINES(3, 2)},
                                                         {LINES(5, 1), LINES(5, 2)}};

static bool is_common(const er_conv_shape *s) {
  return s->filter_h == s->filter_w && (s->filter_w == 3 || s->filter_w == 5) && s->stride_w <= 2 &&
         s->dilation_w == 1;
}

static enum kind kind_of(const block *b, er_range_s8 range) {
  if (b->overflows || range.low > -128 || range.high < 127) return WHOLE;
  return range.zero_point == -128 && !b->reaches ? RECTIFIED : CLEAR;
}

static void run(const er_dwconv_s8_call *c) {
  const er_conv_shape *s = c->shape;
  const char *packed = c->packed;
  const bool common = is_common(s);
  work w = {.call = c, .range = er_avx2_range_of(c->range)};
  for (; w.channel < s->out_c; w.channel += CHANNELS, packed += block_bytes(s)) {
    w.block = (const block *)(const void *)packed;
    w.channels = s->out_c - w.channel;
    if (common && w.channels >= CHANNELS) {
      lines_of[s->filter_w == 5][s->stride_w == 2][kind_of(w.block, c->range) - WHOLE](&w);
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
