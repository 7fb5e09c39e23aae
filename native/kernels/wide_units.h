/* Output channels whose weights, less their zero point, leave int8, as the outermost one or two of
 * a uint8 layer do. The fast kernels compute them from what fits, together with all others; then
 * their results are computed again, exactly, and written over. */
#ifndef ER_WIDE_UNITS_H
#define ER_WIDE_UNITS_H

#include "kernels/kernels.h"

typedef struct er_wide_units {
  int32_t count, depth;
  const int32_t *units;   /* [count] in order */
  const int32_t *bias;    /* [count] less the input's zero point times the sum of weights */
  const float *scale;     /* [count] */
  const int16_t *weights; /* [count, depth] less their zero point */
  er_range_s8 range;
  const er_kernels *kernels; /* that compute them */
} er_wide_units;

/** @return whether a value less `zero` leaves -ER_WEIGHT_REACH..ER_WEIGHT_REACH.
 * @param values `count` of them, `step` apart */
bool er_leaves_reach(int32_t count, int64_t step, const uint8_t *values, int32_t zero);
#define ER_WEIGHT_REACH 127 /* -128 would cost kernels their pairs of products */

/** Compute those in [first, last) again, for rows of `depth` inputs.
 * @param rows [count, depth]
 * @param output unit u of row r at output[r * stride + u] */
void er_wide_units_rows(const er_wide_units *wide, int32_t count, const int8_t *rows, int32_t first,
                        int32_t last, int8_t *output, int64_t stride);
/** The same for one output line of a depthwise convolution.
 * @param lines [filter_h] of [line_w, out_c]  @param output [out_w, out_c] */
void er_wide_units_line(const er_wide_units *wide, const er_conv_shape *shape,
                        const int8_t *const *lines, int8_t *output);

#endif
