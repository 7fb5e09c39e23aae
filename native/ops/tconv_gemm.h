/* TRANSPOSE_CONV on the fast kernels. Output pixels whose coordinates leave the same remainders by
 * the strides, a phase, meet the same taps of the filter: each phase is a convolution of the image
 * with those taps, in reverse. */
#ifndef ER_OPS_TCONV_GEMM_H
#define ER_OPS_TCONV_GEMM_H

#include "conv.h"

typedef struct er_tconv_gemm {
  er_conv_shape shape;
  int32_t phases_h, phases_w; /* the strides, or the output where that is smaller */
  er_conv_gemm *phases;       /* [phases_h, phases_w] */
  size_t thread_bytes;        /* scratch of one thread */
} er_tconv_gemm;

/** @return whether the only phase is all of it */
static inline bool er_tconv_is_conv(const er_tconv_gemm *conv) {
  return conv->phases_h == 1 && conv->phases_w == 1;
}
/** @return whether every phase is a convolution of its own: has taps, and none that begin inside of
 * the image */
bool er_tconv_has_phases(const er_conv_shape *shape);
/** @param tensors int8 (er_is_fast) or float, constant weights [out_c, filter_h, filter_w, in_c]
 * and constant biases or none */
edgert_status er_tconv_gemm_plan(er_plan *plan, const er_conv_shape *shape,
                                 const er_linear_tensors *tensors, const er_linear *linear,
                                 er_tconv_gemm *conv);
/** One output line.
 * @param line of batch * out_h
 * @param output of the whole tensor
 * @param scratch [thread_bytes], 64-byte aligned */
void er_tconv_gemm_line(const er_tconv_gemm *conv, const void *input, int32_t line, char *output,
                        void *scratch);

#endif
