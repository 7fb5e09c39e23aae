/* Reductions in float32, with the bits of generic/reduce_f32.c: rows in vectors of eight, columns
 * of a block with their totals in registers. */
#include "avx2.h"
#include "kernels/float.h"
#include "kernels/reduce_walk.h"

enum { LANES = 8 };

/* With NaN, and where both are zeros, it is the total. */
static ER_ALWAYS_INLINE __m256 take(const er_reduce op, __m256 total, __m256 x) {
  return op == ER_REDUCE_MAX    ? _mm256_max_ps(x, total)
         : op == ER_REDUCE_MIN  ? _mm256_min_ps(x, total)
         : op == ER_REDUCE_PROD ? _mm256_mul_ps(total, x)
                                : _mm256_add_ps(total, x);
}

static ER_ALWAYS_INLINE float take_one(const er_reduce op, float total, float x) {
  return _mm256_cvtss_f32(take(op, _mm256_set1_ps(total), _mm256_set1_ps(x)));
}

static ER_ALWAYS_INLINE __m256 start(const er_reduce op) {
  return _mm256_set1_ps(op == ER_REDUCE_MAX    ? -INFINITY
                        : op == ER_REDUCE_MIN  ? INFINITY
                        : op == ER_REDUCE_PROD ? 1.0f
                                               : 0.0f);
}

/* ---- rows ------------------------------------------------------------------------------------ */

static float sum_row(float total, const float *input, int32_t count) {
  __m256 sums = _mm256_setzero_ps();
  float each[LANES];
  int32_t i = 0;
  for (; i + LANES <= count; i += LANES) sums = _mm256_add_ps(sums, _mm256_loadu_ps(input + i));
  _mm256_storeu_ps(each, sums);
  for (int32_t j = 0; j < LANES; j++) total += each[j];
  for (; i < count; i++) total += input[i];
  return total;
}

/* Of zeros the first has its sign. */
static float first_zero(const float *input) {
  while (*input != 0.0f) input++;
  return *input;
}

static ER_ALWAYS_INLINE float extreme_row(const er_reduce op, float total, const float *input,
                                          int32_t count) {
  __m256 a = start(op), b = a;
  int32_t i = 0;
  for (; i + 2 * LANES <= count; i += 2 * LANES) {
    a = take(op, a, _mm256_loadu_ps(input + i));
    b = take(op, b, _mm256_loadu_ps(input + i + LANES));
  }
  a = take(op, a, b);
  a = take(op, a, _mm256_permute2f128_ps(a, a, 1));
  a = take(op, a, _mm256_permute_ps(a, 0x4E));
  float most = _mm256_cvtss_f32(take(op, a, _mm256_permute_ps(a, 0xB1)));
  for (; i < count; i++) most = take_one(op, most, input[i]);
  return take_one(op, total, most == 0.0f ? first_zero(input) : most);
}

/* Products are rounded in order. */
static float multiply_row(float total, const float *input, int32_t count) {
  for (int32_t i = 0; i < count; i++) total *= input[i];
  return total;
}

static ER_ALWAYS_INLINE float take_row(const er_reduce op, float total, const float *input,
                                       int32_t count) {
  return op == ER_SUM           ? sum_row(total, input, count)
         : op == ER_REDUCE_PROD ? multiply_row(total, input, count)
                                : extreme_row(op, total, input, count);
}

/* ---- columns --------------------------------------------------------------------------------- */

/* Four vectors of columns. */
static ER_ALWAYS_INLINE void take_wide(const er_reduce op, int32_t rows, int64_t stride,
                                       const float *input, float *output) {
  __m256 a = _mm256_loadu_ps(output), b = _mm256_loadu_ps(output + LANES);
  __m256 c = _mm256_loadu_ps(output + 2 * LANES), d = _mm256_loadu_ps(output + 3 * LANES);
  for (int32_t r = 0; r < rows; r++, input += stride) {
    a = take(op, a, _mm256_loadu_ps(input));
    b = take(op, b, _mm256_loadu_ps(input + LANES));
    c = take(op, c, _mm256_loadu_ps(input + 2 * LANES));
    d = take(op, d, _mm256_loadu_ps(input + 3 * LANES));
  }
  _mm256_storeu_ps(output, a), _mm256_storeu_ps(output + LANES, b);
  _mm256_storeu_ps(output + 2 * LANES, c), _mm256_storeu_ps(output + 3 * LANES, d);
}

/* One vector of columns, of which `count` exist. */
static ER_ALWAYS_INLINE void take_some(const er_reduce op, int32_t rows, int64_t stride,
                                       int32_t count, const float *input, float *output) {
  const __m256i some = er_avx2_first(count);
  __m256 a = _mm256_maskload_ps(output, some);
  for (int32_t r = 0; r < rows; r++, input += stride) {
    a = take(op, a, _mm256_maskload_ps(input, some));
  }
  _mm256_maskstore_ps(output, some, a);
}

/* @param input [rows, columns]  @param output [columns] */
static ER_ALWAYS_INLINE void take_columns(const er_reduce op, int32_t rows, int32_t columns,
                                          const float *input, float *output) {
  int32_t c = 0;
  for (; c + 4 * LANES <= columns; c += 4 * LANES) {
    take_wide(op, rows, columns, input + c, output + c);
  }
  for (; c < columns; c += LANES) {
    take_some(op, rows, columns, columns - c, input + c, output + c);
  }
}

/* ---- all ------------------------------------------------------------------------------------- */

static ER_ALWAYS_INLINE void reduce(const er_reduce op, const er_reduce_shape *s,
                                    const float *input, float *output) {
  const er_reduce_block block = er_reduce_block_of(s);
  const int64_t size = (int64_t)block.rows * block.columns;
  er_reduce_walk walk = er_reduce_start(s, block.inner);
  for (int64_t i = 0; i < s->out_count; i++) output[i] = _mm256_cvtss_f32(start(op));
  for (int64_t i = 0; i < s->in_count; i += size, er_reduce_next(s, &walk)) {
    float *to = output + walk.out;
    if (s->reduced[s->rank - 1]) {
      *to = take_row(op, *to, input + i, block.columns);
    } else {
      take_columns(op, block.rows, block.columns, input + i, to);
    }
  }
}

void er_reduce_f32_avx2(er_reduce op, const er_reduce_shape *s, const float *input, float *output) {
  if (op == ER_REDUCE_MAX) return reduce(ER_REDUCE_MAX, s, input, output);
  if (op == ER_REDUCE_MIN) return reduce(ER_REDUCE_MIN, s, input, output);
  if (op == ER_REDUCE_PROD) return reduce(ER_REDUCE_PROD, s, input, output);
  reduce(ER_SUM, s, input, output);
  if (op != ER_MEAN) return;
  for (int64_t i = 0; i < s->out_count; i++) output[i] /= (float)s->group;
}
