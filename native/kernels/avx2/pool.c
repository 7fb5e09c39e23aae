/* Pools of int8 images with AVX2: 32 channels of a window at a time. */
#include <string.h>

#include "avx2.h"

enum { CHANNELS = 32, MOST_PIXELS = 256 }; /* whose sum fits int16 */

/* The part of a window that lies inside of the image, and where to put the result. */
typedef struct window {
  const int8_t *input; /* its first pixel */
  int32_t height, width;
  int64_t line, pixel; /* bytes from line to line, from pixel to pixel */
  int32_t low, high;
} window;

static ER_ALWAYS_INLINE void maximum(const window *w, int64_t c, int8_t *output) {
  __m256i most = _mm256_set1_epi8((char)w->low);
  for (int32_t y = 0; y < w->height; y++) {
    const int8_t *x = w->input + y * w->line + c;
    for (int32_t i = 0; i < w->width; i++, x += w->pixel) {
      most = _mm256_max_epi8(most, _mm256_loadu_si256((const __m256i *)(const void *)x));
    }
  }
  most = _mm256_min_epi8(most, _mm256_set1_epi8((char)w->high));
  _mm256_storeu_si256((__m256i *)(void *)(output + c), most);
}

/* Ties away from zero. Quotients of small integers in float32 cannot round up to the next one. */
static ER_ALWAYS_INLINE __m256i mean_8(__m128i sums, int32_t count) {
  const __m256i sum = _mm256_cvtepi16_epi32(sums);
  const __m256i twice = _mm256_add_epi32(_mm256_abs_epi32(sum), _mm256_set1_epi32(count / 2));
  const __m256 quotient = _mm256_div_ps(_mm256_cvtepi32_ps(twice), _mm256_set1_ps((float)count));
  return _mm256_sign_epi32(_mm256_cvttps_epi32(quotient), sum);
}

static ER_ALWAYS_INLINE __m256i mean_16(__m256i sums, int32_t count) {
  const __m256i low = mean_8(_mm256_castsi256_si128(sums), count);
  return _mm256_packs_epi32(low, mean_8(_mm256_extracti128_si256(sums, 1), count));
}

static ER_ALWAYS_INLINE void average(const window *w, int64_t c, int8_t *output) {
  __m256i low = _mm256_setzero_si256(), high = low;
  for (int32_t y = 0; y < w->height; y++) {
    const int8_t *x = w->input + y * w->line + c;
    for (int32_t i = 0; i < w->width; i++, x += w->pixel) {
      const __m128i *bytes = (const __m128i *)(const void *)x;
      low = _mm256_add_epi16(low, _mm256_cvtepi8_epi16(_mm_loadu_si128(bytes)));
      high = _mm256_add_epi16(high, _mm256_cvtepi8_epi16(_mm_loadu_si128(bytes + 1)));
    }
  }
  const int32_t count = w->height * w->width;
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  const __m256i packed = _mm256_packs_epi16(mean_16(low, count), mean_16(high, count));
  const __m256i bytes = _mm256_permutevar8x32_epi32(packed, order);
  const __m256i bounded = _mm256_min_epi8(_mm256_max_epi8(bytes, _mm256_set1_epi8((char)w->low)),
                                          _mm256_set1_epi8((char)w->high));
  _mm256_storeu_si256((__m256i *)(void *)(output + c), bounded);
}

static int32_t clip(int32_t value, int32_t most) {
  return value < 0 ? 0 : value > most ? most : value;
}

static window window_at(const er_conv_shape *s, const int8_t *image, int32_t y, int32_t x) {
  const int32_t top = y * s->stride_h - s->pad_top, left = x * s->stride_w - s->pad_left;
  const int32_t from_y = clip(top, s->in_h), from_x = clip(left, s->in_w);
  const int64_t line = (int64_t)s->in_w * s->in_c;
  return (window){.input = image + from_y * line + (int64_t)from_x * s->in_c,
                  .height = clip(top + s->filter_h, s->in_h) - from_y,
                  .width = clip(left + s->filter_w, s->in_w) - from_x,
                  .line = line,
                  .pixel = s->in_c};
}

/* Few channels are read with what lies behind them: the first output line of which a window ends so
 * near to the end of the last image that there is nothing. */
static int32_t lines_with_room(const er_conv_shape *s, const int8_t *input, int32_t last) {
  const int64_t image = (int64_t)s->in_h * s->in_w * s->in_c;
  const int8_t *end = input + s->batch * image;
  for (; s->in_c < CHANNELS && last > 0; last--) {
    const int32_t row = last - 1;
    const window w = window_at(s, input + row / s->out_h * image, row % s->out_h, s->out_w - 1);
    const int64_t span = (w.height - 1) * w.line + (w.width - 1) * w.pixel + CHANNELS;
    if (end - w.input >= span) break;
  }
  return last;
}

static ER_ALWAYS_INLINE void pool(const er_conv_shape *s, int32_t low, int32_t high,
                                  const int8_t *input, int8_t *output, int32_t first, int32_t last,
                                  void (*block)(const window *w, int64_t c, int8_t *output)) {
  const int64_t image = (int64_t)s->in_h * s->in_w * s->in_c;
  int8_t *to = output + (int64_t)first * s->out_w * s->in_c, few[CHANNELS];
  for (int32_t row = first; row < last; row++) {
    const int8_t *from = input + row / s->out_h * image;
    const int32_t y = row % s->out_h;
    for (int32_t x = 0; x < s->out_w; x++, to += s->in_c) {
      window w = window_at(s, from, y, x);
      w.low = low, w.high = high;
      if (s->in_c < CHANNELS) {
        block(&w, 0, few);
        memcpy(to, few, (size_t)s->in_c);
        continue;
      }
      for (int64_t c = 0; c + CHANNELS <= s->in_c; c += CHANNELS) block(&w, c, to);
      if (s->in_c % CHANNELS != 0) block(&w, s->in_c - CHANNELS, to); /* some twice */
    }
  }
}

void er_average_pool_avx2(const er_conv_shape *shape, edgert_type type, int32_t low, int32_t high,
                          const void *input, void *output, int32_t first, int32_t last) {
  if (type != EDGERT_INT8 || (int64_t)shape->filter_h * shape->filter_w > MOST_PIXELS) {
    er_average_pool(shape, type, low, high, input, output, first, last);
    return;
  }
  const int32_t end = lines_with_room(shape, input, last);
  pool(shape, low, high, input, output, first, end, average);
  if (end < last) {
    er_average_pool(shape, type, low, high, input, output, first > end ? first : end, last);
  }
}

void er_max_pool_avx2(const er_conv_shape *shape, edgert_type type, int32_t low, int32_t high,
                      const void *input, void *output, int32_t first, int32_t last) {
  if (type != EDGERT_INT8) {
    er_max_pool(shape, type, low, high, input, output, first, last);
    return;
  }
  const int32_t end = lines_with_room(shape, input, last);
  pool(shape, low, high, input, output, first, end, maximum);
  if (end < last) {
    er_max_pool(shape, type, low, high, input, output, first > end ? first : end, last);
  }
}
