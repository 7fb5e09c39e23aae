/* The portable copies, but for their tiles: 8 x 8 of bytes, 4 x 4 of pairs, 8 x 8 of four bytes. */
#include "avx2.h"
#include "kernels/copy.h"

static ER_ALWAYS_INLINE __m128i load_half(const uint8_t *from) {
  return _mm_loadl_epi64((const __m128i *)(const void *)from);
}

/* Two lines of eight bytes. */
static ER_ALWAYS_INLINE void store_halves(__m128i lines, uint8_t *to, int64_t step) {
  _mm_storel_pi((__m64 *)(void *)to, _mm_castsi128_ps(lines));
  _mm_storeh_pi((__m64 *)(void *)(to + step), _mm_castsi128_ps(lines));
}

static ER_ALWAYS_INLINE __m128i two_lines(const uint8_t *in, int64_t step) {
  return _mm_unpacklo_epi8(load_half(in), load_half(in + step));
}

static ER_ALWAYS_INLINE void turn_bytes(uint8_t *out, int64_t out_step, const uint8_t *in,
                                        int64_t in_step) {
  const __m128i a = two_lines(in, in_step), b = two_lines(in + 2 * in_step, in_step);
  const __m128i c = two_lines(in + 4 * in_step, in_step), d = two_lines(in + 6 * in_step, in_step);
  const __m128i ab = _mm_unpacklo_epi16(a, b), ab4 = _mm_unpackhi_epi16(a, b);
  const __m128i cd = _mm_unpacklo_epi16(c, d), cd4 = _mm_unpackhi_epi16(c, d);
  store_halves(_mm_unpacklo_epi32(ab, cd), out, out_step);
  store_halves(_mm_unpackhi_epi32(ab, cd), out + 2 * out_step, out_step);
  store_halves(_mm_unpacklo_epi32(ab4, cd4), out + 4 * out_step, out_step);
  store_halves(_mm_unpackhi_epi32(ab4, cd4), out + 6 * out_step, out_step);
}

static ER_ALWAYS_INLINE void turn_pairs(uint8_t *out, int64_t out_step, const uint8_t *in,
                                        int64_t in_step) {
  const __m128i a = _mm_unpacklo_epi16(load_half(in), load_half(in + in_step));
  const __m128i b = _mm_unpacklo_epi16(load_half(in + 2 * in_step), load_half(in + 3 * in_step));
  store_halves(_mm_unpacklo_epi32(a, b), out, out_step);
  store_halves(_mm_unpackhi_epi32(a, b), out + 2 * out_step, out_step);
}

/* Lines k and k + 4 of four elements each. */
static ER_ALWAYS_INLINE __m256 line_pair(const uint8_t *in, int64_t step) {
  const __m128 low = _mm_loadu_ps((const float *)(const void *)in);
  return _mm256_insertf128_ps(_mm256_castps128_ps256(low),
                              _mm_loadu_ps((const float *)(const void *)(in + 4 * step)), 1);
}

/* Four lines of out. @param in the columns that become them */
static ER_ALWAYS_INLINE void turn_four(uint8_t *out, int64_t out_step, const uint8_t *in,
                                       int64_t in_step) {
  const __m256 a = line_pair(in, in_step), b = line_pair(in + in_step, in_step);
  const __m256 c = line_pair(in + 2 * in_step, in_step), d = line_pair(in + 3 * in_step, in_step);
  const __m256d ab = _mm256_castps_pd(_mm256_unpacklo_ps(a, b));
  const __m256d ab2 = _mm256_castps_pd(_mm256_unpackhi_ps(a, b));
  const __m256d cd = _mm256_castps_pd(_mm256_unpacklo_ps(c, d));
  const __m256d cd2 = _mm256_castps_pd(_mm256_unpackhi_ps(c, d));
  _mm256_storeu_pd((double *)(void *)out, _mm256_unpacklo_pd(ab, cd));
  _mm256_storeu_pd((double *)(void *)(out + out_step), _mm256_unpackhi_pd(ab, cd));
  _mm256_storeu_pd((double *)(void *)(out + 2 * out_step), _mm256_unpacklo_pd(ab2, cd2));
  _mm256_storeu_pd((double *)(void *)(out + 3 * out_step), _mm256_unpackhi_pd(ab2, cd2));
}

#define ER_TILE(size) ((size) == 4 ? 32 : 8)

/* @param size of an element, a constant */
static ER_ALWAYS_INLINE void turn(uint8_t *out, int64_t out_step, const uint8_t *in,
                                  int64_t in_step, const int size) {
  if (size == 1) {
    turn_bytes(out, out_step, in, in_step);
  } else if (size == 2) {
    turn_pairs(out, out_step, in, in_step);
  } else {
    turn_four(out, out_step, in, in_step);
    turn_four(out + 4 * out_step, out_step, in + 16, in_step);
  }
}

#define er_copy_strided er_copy_strided_avx2
#include "kernels/generic/copy_strided.c"
