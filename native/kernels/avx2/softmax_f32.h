/* SOFTMAX in float32, with the bits of generic/softmax_f32.c: largest value, exponentials and their
 * sum in eight lanes, quotients. One source for both vector widths; before it is included these are
 * defined:
 *
 *   LANES                       floats of a vector
 *   vector, lanes               a vector of floats; which lanes of it
 *   spread(value)               one float in all lanes
 *   load, store                 of a vector
 *   load_some(from, count)      the first `count` lanes, -INFINITY in the others
 *   store_some(v, count, to)    the first `count` lanes
 *   add, subtract, multiply, divide(a, b)
 *   greater(a, b)               b where one is NaN
 *   largest_lane(v)             of lanes that are all NaN, or none of them
 *   lanes_not_below(v, least)   which lanes are NaN or not less than `least`
 *   in_lanes(v, which)          0 in the other lanes
 *   times_power(v, n)           v * 2^n; n whole, -126 to 0, or NaN
 *   add_to_lanes(v, sums)       lane j to sums j % 8, in order */
#include <math.h>

#include "kernels/functions_f32.h"

static ER_ALWAYS_INLINE float largest(const float *row, int32_t depth) {
  vector most = spread(row[0]);
  int32_t d = 0;
  for (; d + LANES <= depth; d += LANES) most = greater(load(row + d), most);
  if (d < depth) most = greater(load_some(row + d, depth - d), most);
  return largest_lane(most);
}

/* er_softmax_term of functions_f32.h. */
static ER_ALWAYS_INLINE vector exponential(vector x) {
  const vector magic = spread(12582912.0f);
  const lanes above = lanes_not_below(x, ER_SOFTMAX_LEAST);
  x = in_lanes(x, above);
  const vector n = subtract(add(multiply(x, spread(1.44269504f)), magic), magic);
  const vector r = subtract(subtract(x, multiply(n, spread(0.693359375f))),
                            multiply(n, spread(-2.12194440e-4f)));
  vector p = add(multiply(spread(1.38145402e-3f), r), spread(8.36874511e-3f));
  p = add(multiply(p, r), spread(4.16683908e-2f));
  p = add(multiply(p, r), spread(1.66665204e-1f));
  p = add(multiply(p, r), spread(4.99999934e-1f));
  const vector tail = add(multiply(p, multiply(r, r)), r);
  return in_lanes(times_power(add(spread(1.0f), tail), n), above);
}

/* @return the sum of the exponentials that are left in `output` */
static ER_ALWAYS_INLINE float exponentials(const float *row, int32_t depth, float most, float beta,
                                           float *output) {
  const vector top = spread(most), slope = spread(beta);
  __m256 sums = _mm256_setzero_ps();
  int32_t d = 0;
  for (; d + LANES <= depth; d += LANES) {
    const vector e = exponential(multiply(subtract(load(row + d), top), slope));
    sums = add_to_lanes(e, sums);
    store(output + d, e);
  }
  if (d < depth) {
    const vector x = load_some(row + d, depth - d);
    const vector e = exponential(multiply(subtract(x, top), slope));
    sums = add_to_lanes(e, sums);
    store_some(e, depth - d, output + d);
  }
  float each[8], sum = 0.0f;
  _mm256_storeu_ps(each, sums);
  for (int32_t j = 0; j < 8; j++) sum += each[j];
  return sum;
}

static ER_ALWAYS_INLINE void divide_row(int32_t depth, float sum, float *row) {
  const vector divisor = spread(sum);
  int32_t d = 0;
  for (; d + LANES <= depth; d += LANES) store(row + d, divide(load(row + d), divisor));
  if (d < depth) store_some(divide(load_some(row + d, depth - d), divisor), depth - d, row + d);
}

enum { AT_ONCE = 4 };

/* Each step of a few rows in turn: the end of one row waits, the next one need not. */
static ER_ALWAYS_INLINE void softmax_rows(int64_t rows, int32_t depth, float beta,
                                          const float *input, float *output) {
  for (int64_t r = 0, last; r < rows; r = last) {
    float figures[AT_ONCE]; /* the largest value of each row, then its sum */
    last = rows - r < AT_ONCE ? rows : r + AT_ONCE;
    for (int64_t i = r; i < last; i++) figures[i - r] = largest(input + i * depth, depth);
    for (int64_t i = r; i < last; i++) {
      figures[i - r] =
          exponentials(input + i * depth, depth, figures[i - r], beta, output + i * depth);
    }
    for (int64_t i = r; i < last; i++) divide_row(depth, figures[i - r], output + i * depth);
  }
}
