/* DEPTHWISE_CONV_2D of an image with one channel, the first layer of many an audio network: an
 * ordinary convolution whose filters lie interleaved. */
#ifndef ER_OPS_DWCONV_GEMM_H
#define ER_OPS_DWCONV_GEMM_H

#include "conv.h"

/** @return whether the operator may be planned so: one input channel, fast arithmetic, constants.
 */
bool er_is_dwconv_gemm(const er_conv_shape *shape, const er_linear_tensors *tensors,
                       const er_linear *linear);
edgert_status er_dwconv_gemm_plan(er_plan *plan, const er_conv_shape *shape,
                                  const er_linear_tensors *tensors, const er_linear *linear,
                                  er_conv_gemm *conv);

#endif
