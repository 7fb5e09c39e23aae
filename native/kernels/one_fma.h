/* From a sum to a stored integer by one fused multiply-add, where that gives the bits of
 * clamp(rint(float(acc) * scale) + zero_point).
 *
 * The sum is kept as the float x = anchor + acc of [2^23, 2^24), whose bits count acc one by one,
 * so nothing converts it. fma(x, factor, offset) is then rounded once, to a float of the same range
 * and so to an integer: 1.5 * 2^23 + zero_point + acc * factor + r, where r is what remains of
 * anchor * factor beside an integer that `offset` takes away. The low 16 bits are the result before
 * the clamp.
 *
 * Both functions only ever rise with acc, so they are equal when they rise to each stored integer
 * at the same acc. Each such step bounds r from both sides; an anchor that brings r between the
 * highest and the lowest of these bounds is a proof. Most scales above 2^-9 have one.
 *
 * Of the sums that are clamped on either side only the nearest must be an x of [2^23, 2^24):
 * beyond, floats rise by other steps, but rise. */
#ifndef ER_ONE_FMA_H
#define ER_ONE_FMA_H

#include "kernels/linear_kernels.h"

typedef struct er_one_fma {
  int32_t start; /* added to acc: the bits of x */
  float factor, offset;
} er_one_fma;

/** @param low,high all sums lie between
 * @param range with -128..127 allowed
 * @return false: there is none, or none was found */
bool er_one_fma_of(float scale, int32_t low, int32_t high, er_range_s8 range, er_one_fma *fma);

/** The same for fma(x, factor, offset) + 1.5 * 2^23, whose low 16 bits lack the zero point:
 * `offset` is so near -anchor * scale that the first is acc * scale, rounded as the rule wants it,
 * as far as the second tells. Almost all scales of 2^-14..1 have one. */
bool er_fma_add_of(float scale, int32_t low, int32_t high, er_range_s8 range, er_one_fma *fma);

#endif
