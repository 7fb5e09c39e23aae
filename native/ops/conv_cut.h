/* Lines of a patch above or below the image hold nothing but the zero point: what they add to each
 * sum is known, and a kernel that `cuts` leaves them out. */
#ifndef ER_OPS_CONV_CUT_H
#define ER_OPS_CONV_CUT_H

#include "conv.h"

typedef struct er_conv_cut {
  int32_t before, behind; /* lines of a patch to leave out; never all */
  const int32_t *instead; /* [units] what they add; NULL: none is left out */
  int32_t lines;          /* output lines of which all this holds, from the given one on */
} er_conv_cut;

/** @param values [units, filter_h, piece] of a convolution without groups
 * @return what er_conv_cut_of reads; NULL: no memory */
const int32_t *er_conv_cut_sums(er_plan *plan, const er_conv_gemm *conv, const int8_t *values);
/** @param line of the output, 0..out_h - 1 */
er_conv_cut er_conv_cut_of(const er_conv_gemm *conv, int32_t line);

#endif
