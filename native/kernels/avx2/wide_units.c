/* Units whose weights do not fit int8, with AVX2. */
#include "kernels/wide_units.h"

#include "avx2.h"

enum { STEP = 16, PIXELS = 8 };

static ER_ALWAYS_INLINE int8_t settle(const er_wide_units *w, int32_t i, int32_t sum) {
  const int32_t total = (int32_t)((uint32_t)sum + (uint32_t)w->bias[i]);
  return (int8_t)er_settle((float)total * w->scale[i], w->range.zero_point, w->range.low,
                           w->range.high);
}

/* Parts of the sum may wrap. */
static ER_ALWAYS_INLINE int32_t dot(int32_t depth, const int8_t *row, const int16_t *weights) {
  __m256i sums = _mm256_setzero_si256();
  int32_t d = 0;
  for (; d + STEP <= depth; d += STEP) {
    const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(row + d));
    const __m256i w = _mm256_loadu_si256((const __m256i *)(const void *)(weights + d));
    sums = _mm256_add_epi32(sums, _mm256_madd_epi16(_mm256_cvtepi8_epi16(bytes), w));
  }
  uint32_t sum = (uint32_t)er_add_lanes(sums);
  for (; d < depth; d++) sum += (uint32_t)(row[d] * weights[d]);
  return (int32_t)sum;
}

void er_wide_units_rows_avx2(const er_wide_units *wide, int32_t count, const int8_t *rows,
                             int32_t first, int32_t last, int8_t *output, int64_t stride) {
  for (int32_t i = 0; i < wide->count; i++) {
    if (wide->units[i] < first || wide->units[i] >= last) continue;
    const int16_t *weights = wide->weights + (int64_t)i * wide->depth;
    int8_t *to = output + wide->units[i];
    for (int32_t r = 0; r < count; r++, to += stride) {
      *to = settle(wide, i, dot(wide->depth, rows + (int64_t)r * wide->depth, weights));
    }
  }
}

/* Sums of eight pixels of a channel. @param at of the first one's window in each line
 * @param places [8] pixels from there, in bytes */
static ER_ALWAYS_INLINE __m256i taps(const er_conv_shape *s, const int8_t *const *lines, int64_t at,
                                     __m256i places, const int16_t *weights) {
  __m256i sums = _mm256_setzero_si256();
  for (int32_t y = 0; y < s->filter_h; y++) {
    const int8_t *from = lines[y] + at;
    for (int32_t x = 0; x < s->filter_w; x++, from += (int64_t)s->dilation_w * s->out_c) {
      const __m256i four = _mm256_i32gather_epi32((const int *)(const void *)from, places, 1);
      const __m256i value = _mm256_srai_epi32(_mm256_slli_epi32(four, 24), 24);
      const __m256i weight = _mm256_set1_epi32((uint16_t)*weights++);
      sums = _mm256_add_epi32(sums, _mm256_madd_epi16(value, weight));
    }
  }
  return sums;
}

static void line_of_unit(const er_wide_units *wide, int32_t i, const er_conv_shape *s,
                         const int8_t *const *lines, int8_t *output) {
  const int16_t *weights = wide->weights + (int64_t)i * wide->depth;
  const int32_t step = s->stride_w * s->out_c, unit = wide->units[i];
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  for (int32_t x = 0; x < s->out_w; x += PIXELS) {
    const int32_t count = s->out_w - x < PIXELS ? s->out_w - x : PIXELS;
    /* Pixels beyond the line's end are those of its last one. */
    const __m256i pixels = _mm256_min_epi32(lane, _mm256_set1_epi32(count - 1));
    const __m256i places = _mm256_mullo_epi32(pixels, _mm256_set1_epi32(step));
    int32_t sums[PIXELS];
    _mm256_storeu_si256((__m256i *)(void *)sums,
                        taps(s, lines, (int64_t)x * step + unit, places, weights));
    for (int32_t k = 0; k < count; k++) {
      output[(int64_t)(x + k) * s->out_c + unit] = settle(wide, i, sums[k]);
    }
  }
}

void er_wide_units_line_avx2(const er_wide_units *wide, const er_conv_shape *shape,
                             const int8_t *const *lines, int8_t *output) {
  for (int32_t i = 0; i < wide->count; i++) line_of_unit(wide, i, shape, lines, output);
}
