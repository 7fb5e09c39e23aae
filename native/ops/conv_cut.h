/* Lines of a patch above or below the image, and columns beside it, hold nothing but the zero
 * point: what they add to each sum is known, and a kernel that `cuts` leaves them out. */
#ifndef ER_OPS_CONV_CUT_H
#define ER_OPS_CONV_CUT_H

#include "conv.h"

typedef struct er_conv_cut {
  int32_t before, behind; /* lines of a patch to leave out; never all */
  const int32_t *instead; /* [units] what they add; NULL: none is left out */
  er_edge_s8 left, right; /* what else is left out of a line's first and last patch */
  int32_t lines;          /* output lines of which all this holds, from the given one on */
} er_conv_cut;

/** Let a convolution leave padding out, if it has one group and its kernel can.
 * @param values [units, filter_h, filter_w, filter_c] */
edgert_status er_conv_cut_plan(er_plan *plan, const int8_t *values, er_conv_gemm *conv);
/** @return whether all padding is left out, so that patches can be multiplied where they lie in an
 *   image: beside it lie but columns of the first and the last patch of a line. */
bool er_conv_is_bare(const er_conv_gemm *conv);
/** Of a convolution with `cut_sums`.
 * @param line of the output, 0..out_h - 1 */
er_conv_cut er_conv_cut_of(const er_conv_gemm *conv, int32_t line);
/** The same, and what lies beside the image, of a convolution that is `bare`. */
er_conv_cut er_conv_bare_cut_of(const er_conv_gemm *conv, int32_t line);

#endif
