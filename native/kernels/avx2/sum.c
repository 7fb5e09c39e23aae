/* Sums over the pixels of int8 images with AVX2: 32 channels at a time, in int16 for 256 pixels;
 * and sums of rows, 32 bytes at a time. */
#include "avx2.h"

enum { CHANNELS = 32, PIXELS = 256 }; /* 256 * 128 fits int16, downwards exactly */

/* Two pixels of 32 channels, added as int16 in the order of vpunpcklbw and vpunpckhbw. */
static ER_ALWAYS_INLINE void add_pair(__m256i x, __m256i y, __m256i *low, __m256i *high) {
  const __m256i ones = _mm256_set1_epi8(1);
  *low = _mm256_add_epi16(*low, _mm256_maddubs_epi16(ones, _mm256_unpacklo_epi8(x, y)));
  *high = _mm256_add_epi16(*high, _mm256_maddubs_epi16(ones, _mm256_unpackhi_epi8(x, y)));
}

static ER_ALWAYS_INLINE __m256i load(const int8_t *from) {
  return _mm256_loadu_si256((const __m256i *)(const void *)from);
}

/* @param input [pixels, channels] from the first of 32 channels  @param sums [32], added to */
static void sum_channels(const int8_t *input, int64_t pixels, int64_t channels, int64_t *sums) {
  for (int64_t p = 0; p < pixels; p += PIXELS) {
    const int64_t end = pixels - p < PIXELS ? pixels : p + PIXELS;
    __m256i low = _mm256_setzero_si256(), high = low;
    const int8_t *x = input + p * channels;
    int64_t i = p;
    for (; i + 2 <= end; i += 2, x += 2 * channels) {
      add_pair(load(x), load(x + channels), &low, &high);
    }
    if (i < end) add_pair(load(x), _mm256_setzero_si256(), &low, &high);
    int16_t parts[CHANNELS];
    _mm256_storeu_si256((__m256i *)(void *)parts, _mm256_permute2x128_si256(low, high, 0x20));
    _mm256_storeu_si256((__m256i *)(void *)(parts + 16),
                        _mm256_permute2x128_si256(low, high, 0x31));
    for (int32_t c = 0; c < CHANNELS; c++) sums[c] += parts[c];
  }
}

static void sum_image(const int8_t *input, int64_t pixels, int64_t channels, int64_t *sums) {
  int64_t c = 0;
  for (; c + CHANNELS <= channels; c += CHANNELS) {
    sum_channels(input + c, pixels, channels, sums + c);
  }
  if (c == channels) return;
  const int64_t room = pixels * channels - c - CHANNELS; /* nothing behind the image is read */
  const int64_t whole = room < 0 ? 0 : room / channels + 1;
  int64_t rest[CHANNELS] = {0};
  sum_channels(input + c, whole, channels, rest);
  for (int64_t i = 0; c + i < channels; i++) {
    sums[c + i] += rest[i];
    for (int64_t p = whole; p < pixels; p++) sums[c + i] += input[p * channels + c + i];
  }
}

/* vpsadbw adds unsigned bytes: each is 128 more than the integer it stands for. */
static int64_t sum_row(const int8_t *input, int64_t count) {
  __m256i sums = _mm256_setzero_si256();
  int64_t i = 0;
  for (; i + 32 <= count; i += 32) {
    const __m256i bytes = _mm256_xor_si256(load(input + i), _mm256_set1_epi8(-128));
    sums = _mm256_add_epi64(sums, _mm256_sad_epu8(bytes, _mm256_setzero_si256()));
  }
  int64_t parts[4], sum = -128 * i;
  _mm256_storeu_si256((__m256i *)(void *)parts, sums);
  for (; i < count; i++) sum += input[i];
  return sum + parts[0] + parts[1] + parts[2] + parts[3];
}

/* [pixels, channels], or with a batch before. */
static bool is_over_pixels(const er_reduce_shape *shape) {
  const bool *reduced = shape->reduced;
  if (shape->rank == 2) return reduced[0] && !reduced[1];
  return shape->rank == 3 && !reduced[0] && reduced[1] && !reduced[2];
}

void er_sum_avx2(const er_reduce_shape *shape, edgert_type type, const void *input, int64_t *sums) {
  const int32_t rank = shape->rank;
  if (type == EDGERT_INT8 && rank <= 2 && shape->reduced[rank - 1]) {
    for (int64_t o = 0; o < shape->out_count; o++) {
      sums[o] = sum_row((const int8_t *)input + o * shape->group, shape->group);
    }
    return;
  }
  if (type != EDGERT_INT8 || !is_over_pixels(shape)) {
    er_sum(shape, type, input, sums);
    return;
  }
  const int64_t pixels = shape->dims[rank - 2], channels = shape->dims[rank - 1];
  for (int64_t o = 0; o < shape->out_count; o++) sums[o] = 0;
  for (int64_t image = 0; image < shape->out_count / channels; image++) {
    sum_image((const int8_t *)input + image * pixels * channels, pixels, channels,
              sums + image * channels);
  }
}
