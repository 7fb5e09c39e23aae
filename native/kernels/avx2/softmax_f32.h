/* SOFTMAX and LOG_SOFTMAX in float32, with the bits of generic/softmax_f32.c: largest value,
 * exponentials and their sum in eight lanes, shares or differences. One source for both vector
 * widths; before it is included these are defined:
 *
 *   LANES                       floats of a vector
 *   vector, lanes               a vector of floats; which lanes of it
 *   spread(value)               one float in all lanes
 *   load, store                 of a vector
 *   load_some(from, count)      the first `count` lanes, -INFINITY in the others
 *   store_some(v, count, to)    the first `count` lanes
 *   add, subtract, multiply(a, b)
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

/* @return the sum of the exponentials, which are left in `output` unless it is NULL */
static ER_ALWAYS_INLINE float exponentials(const float *row, int32_t depth, float most, float beta,
                                           float *output) {
  const vector top = spread(most), slope = spread(beta);
  __m256 sums = _mm256_setzero_ps();
  int32_t d = 0;
  for (; d + LANES <= depth; d += LANES) {
    const vector e = exponential(multiply(subtract(load(row + d), top), slope));
    sums = add_to_lanes(e, sums);
    if (output) store(output + d, e);
  }
  if (d < depth) {
    const vector x = load_some(row + d, depth - d);
    const vector e = exponential(multiply(subtract(x, top), slope));
    sums = add_to_lanes(e, sums);
    if (output) store_some(e, depth - d, output + d);
  }
  float each[8], sum = 0.0f;
  _mm256_storeu_ps(each, sums);
  for (int32_t j = 0; j < 8; j++) sum += each[j];
  return sum;
}

static ER_ALWAYS_INLINE void multiply_row(int32_t depth, float by, float *row) {
  const vector factor = spread(by);
  int32_t d = 0;
  for (; d + LANES <= depth; d += LANES) store(row + d, multiply(load(row + d), factor));
  if (d < depth) store_some(multiply(load_some(row + d, depth - d), factor), depth - d, row + d);
}

static ER_ALWAYS_INLINE void subtract_from_row(int32_t depth, float offset, const float *input,
                                               float *output) {
  const vector less = spread(offset);
  int32_t d = 0;
  for (; d + LANES <= depth; d += LANES) store(output + d, subtract(load(input + d), less));
  if (d < depth) {
    store_some(subtract(load_some(input + d, depth - d), less), depth - d, output + d);
  }
}

enum { AT_ONCE = 4 };

/* Each step of a few rows in turn: the end of one row waits, the next one need not. */
static ER_ALWAYS_INLINE void softmax_rows(const bool logarithm, int64_t rows, int32_t depth,
                                          float beta, const float *input, float *output) {
  for (int64_t r = 0, last; r < rows; r = last) {
    float most[AT_ONCE], sums[AT_ONCE]; /* the largest value of each row, and the sum */
    last = rows - r < AT_ONCE ? rows : r + AT_ONCE;
    for (int64_t i = r; i < last; i++) most[i - r] = largest(input + i * depth, depth);
    for (int64_t i = r; i < last; i++) {
      float *to = logarithm ? NULL : output + i * depth;
      sums[i - r] = exponentials(input + i * depth, depth, most[i - r], beta, to);
    }
    for (int64_t i = r; i < last; i++) {
      if (logarithm) {
        const float offset = most[i - r] + er_log(sums[i - r]);
        subtract_from_row(depth, offset, input + i * depth, output + i * depth);
      } else {
        multiply_row(depth, 1.0f / sums[i - r], output + i * depth);
      }
    }
  }
}
