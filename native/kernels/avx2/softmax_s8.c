/* SOFTMAX of 8-bit integers with AVX2. The sum of a row is made in order, as its bits are part of
 * the result, so four rows are summed at once, and while their additions wait the exponentials are
 * kept: results are made of these, 16 at a time. */
#include "avx2.h"

enum { ROWS = 4, STEP = 16, TABLE = 256, PIECE = 1024 /* of a row, kept at once */ };

typedef struct rule {
  float rising[TABLE]; /* the exponential of the value i - 255 below the largest */
  float output_scale;
  uint8_t flip; /* 0x80 turns uint8 into int8, 128 lower */
  er_avx2_range range;
  int32_t depth;
} rule;

static __m128i load(const rule *s, const uint8_t *from) {
  const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)from);
  return _mm_xor_si128(bytes, _mm_set1_epi8((char)s->flip));
}

static int32_t signed_byte(const rule *s, uint8_t byte) { return (int8_t)(byte ^ s->flip); }

static int32_t largest(const rule *s, const uint8_t *row) {
  __m128i most = _mm_set1_epi8(-128);
  int32_t d = 0;
  for (; d + STEP <= s->depth; d += STEP) most = _mm_max_epi8(most, load(s, row + d));
  most = _mm_max_epi8(most, _mm_srli_si128(most, 8));
  most = _mm_max_epi8(most, _mm_srli_si128(most, 4));
  most = _mm_max_epi8(most, _mm_srli_si128(most, 2));
  most = _mm_max_epi8(most, _mm_srli_si128(most, 1));
  int32_t result = (int8_t)_mm_cvtsi128_si32(most);
  for (; d < s->depth; d++) {
    const int32_t value = signed_byte(s, row[d]);
    result = value > result ? value : result;
  }
  return result;
}

/* @return where the exponential of value 0 would be in a row with this largest value */
static const float *origin(const rule *s, int32_t most) { return s->rising + TABLE - 1 - most; }

#define EACH_ROW(DO) DO(0) DO(1) DO(2) DO(3)
#define DECLARE(r)                          \
  const uint8_t *row##r = rows + r * pitch; \
  const float *const at##r = at[r];         \
  float s##r = sums[r];
#define ADD(r)                                                                 \
  const float e##r = at##r[is_unsigned ? row##r[d] - 128 : (int8_t)row##r[d]]; \
  kept[r][d] = e##r, s##r += e##r;
#define KEEP(r) sums[r] = s##r;

/* The exponentials of `count` elements of each row, also added to the sums. */
static ER_ALWAYS_INLINE void take_rows(int64_t pitch, int32_t count, const uint8_t *rows,
                                       const float *const at[ROWS], const bool is_unsigned,
                                       float kept[ROWS][PIECE], float sums[ROWS]) {
  EACH_ROW(DECLARE)
  for (int64_t d = 0; d < count; d++) {
    EACH_ROW(ADD)
  }
  EACH_ROW(KEEP)
}

static void take_row(const rule *s, int32_t count, const uint8_t *row, const float *at, float *kept,
                     float *sum) {
  float total = *sum;
  for (int32_t d = 0; d < count; d++) total += kept[d] = at[signed_byte(s, row[d])];
  *sum = total;
}

static void take(const rule *s, int64_t rows, int32_t count, const uint8_t *from,
                 const float *const at[ROWS], float kept[ROWS][PIECE], float sums[ROWS]) {
  if (rows < ROWS) {
    for (int64_t r = 0; r < rows; r++) {
      take_row(s, count, from + r * s->depth, at[r], kept[r], &sums[r]);
    }
  } else if (s->flip) {
    take_rows(s->depth, count, from, at, true, kept, sums);
  } else {
    take_rows(s->depth, count, from, at, false, kept, sums);
  }
}

/* To the nearest integer, ties upwards; above 2^16 it does not matter. */
static ER_ALWAYS_INLINE __m256i round_up(__m256 value) {
  const __m256 bounded = _mm256_min_ps(value, _mm256_set1_ps(65536.0f));
  const __m256 whole = _mm256_round_ps(bounded, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC);
  const __m256 rest = _mm256_sub_ps(bounded, whole);
  const __m256 is_half = _mm256_cmp_ps(rest, _mm256_set1_ps(0.5f), _CMP_GE_OQ);
  return _mm256_sub_epi32(_mm256_cvtps_epi32(whole), _mm256_castps_si256(is_half));
}

/* @param from 16 exponentials */
static ER_ALWAYS_INLINE __m128i divide16(const rule *s, const float *from, __m256 inverse) {
  /* In the order in which er_avx2_settle takes them. */
  const __m256 v0 = _mm256_loadu_ps(from), v1 = _mm256_loadu_ps(from + 8);
  const __m256 low = _mm256_permute2f128_ps(v0, v1, 0x20);
  const __m256 high = _mm256_permute2f128_ps(v0, v1, 0x31);
  const __m128i bytes = er_avx2_settle(round_up(_mm256_mul_ps(low, inverse)),
                                       round_up(_mm256_mul_ps(high, inverse)), s->range);
  return _mm_xor_si128(bytes, _mm_set1_epi8((char)s->flip));
}

static void divide(const rule *s, int32_t count, const float *kept, float sum, uint8_t *output) {
  const __m256 inverse = _mm256_set1_ps(1.0f / (sum * s->output_scale));
  int32_t d = 0;
  for (; d + STEP <= count; d += STEP) {
    _mm_storeu_si128((__m128i *)(void *)(output + d), divide16(s, kept + d, inverse));
  }
  if (d == count) return;
  float rest[STEP] = {0};
  memcpy(rest, kept + d, (size_t)(count - d) * sizeof *rest);
  er_store_bytes(divide16(s, rest, inverse), count - d, (int8_t *)output + d);
}

/* @param count rows, at most ROWS */
static void softmax_rows(const rule *s, int64_t count, const uint8_t *rows, uint8_t *output) {
  const float *at[ROWS];
  float kept[ROWS][PIECE], sums[ROWS] = {0}, again[ROWS] = {0};
  for (int64_t r = 0; r < count; r++) at[r] = origin(s, largest(s, rows + r * s->depth));
  for (int32_t d = 0; d < s->depth; d += PIECE) {
    const int32_t here = s->depth - d < PIECE ? s->depth - d : PIECE;
    take(s, count, here, rows + d, at, kept, sums);
  }
  for (int32_t d = 0; d < s->depth; d += PIECE) {
    const int32_t here = s->depth - d < PIECE ? s->depth - d : PIECE;
    if (s->depth > PIECE) take(s, count, here, rows + d, at, kept, again);
    for (int64_t r = 0; r < count; r++) {
      divide(s, here, kept[r], sums[r], output + r * s->depth + d);
    }
  }
}

void er_softmax_s8_avx2(int64_t rows, int32_t depth, const float *exponentials, float output_scale,
                        int32_t zero_point, bool is_unsigned, const void *input, uint8_t *output) {
  if (rows * depth < TABLE) {
    er_softmax_s8(rows, depth, exponentials, output_scale, zero_point, is_unsigned, input, output);
    return;
  }
  const er_range_s8 range = {is_unsigned ? zero_point - 128 : zero_point, -128, 127};
  rule s = {.output_scale = output_scale,
            .flip = is_unsigned ? 0x80 : 0,
            .range = er_avx2_range_of(range),
            .depth = depth};
  for (int32_t i = 0; i < TABLE; i++) s.rising[TABLE - 1 - i] = exponentials[i];
  for (int64_t r = 0; r < rows; r += ROWS) {
    softmax_rows(&s, rows - r < ROWS ? rows - r : ROWS, (const uint8_t *)input + r * depth,
                 output + r * depth);
  }
}
