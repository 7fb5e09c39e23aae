/* The grid of a row that is quantized while running, the same on every instruction set. */
#ifndef ER_DYNAMIC_KERNELS_H
#define ER_DYNAMIC_KERNELS_H

#include <stdbool.h>

#include "rounding.h"

/** @param low,high the least and the largest value of the row and 0
 * @return steps of int8 in one unit of the row */
static inline float er_inverse_scale(float low, float high) {
  return low == high ? 1.0f : 255.0f / (high - low);
}

/** @return the zero point that errs less, at the low or at the high end.
 * @param low,high in steps */
static inline int32_t er_row_zero_point(float low, float high) {
  const float from_low = -128.0f - low, from_high = 127.0f - high;
  const bool low_errs_less = (-128.0f + low) + (127.0f + high) > 0.0f;
  return er_settle(low_errs_less ? from_low : from_high, 0, -128, 127);
}

#endif
