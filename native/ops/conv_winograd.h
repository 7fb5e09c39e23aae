/* CONV_2D by minimal filtering, see kernels/winograd.h. */
#ifndef ER_OPS_CONV_WINOGRAD_H
#define ER_OPS_CONV_WINOGRAD_H

#include "conv.h"

/** @return whether kernels like `gemm` have one for such a convolution.
 * @param int4 whether the weights are */
bool er_has_winograd_s8(const er_gemm_s8 *gemm, const er_conv_shape *shape, bool int4);
/** @param weights of the whole convolution  @param int4 whether they are
 * @return the kernel to compute it with, or NULL: the gemm's */
const er_winograd_s8 *er_conv_winograd_s8_for(const er_conv_gemm *conv,
                                              const er_weights_s8 *weights, bool int4);
const er_winograd_f32 *er_conv_winograd_f32_for(er_plan *plan, const er_conv_gemm *conv);
bool er_is_winograd(const er_conv_gemm *conv);
/** @return bytes of scratch of one thread */
size_t er_conv_winograd_bytes(const er_conv_gemm *conv);
/** Output pixels [first, last), whole lines: as er_conv_gemm_pixels. Floats: from an even line of
 * an image on, so that the tiles are always the same. */
void er_conv_winograd_pixels(const er_conv_gemm *conv, const void *input, int32_t first,
                             int32_t last, char *output, char *scratch);
/** @return pixels, of which threads and strips take whole multiples */
int32_t er_conv_winograd_step(const er_conv_gemm *conv);

/* ---- float32 --------------------------------------------------------------------------------- */

/** @return bytes of all packed weights, those of each position aligned */
size_t er_conv_winograd_f32_packed(const er_conv_gemm *conv);
/** @param values [units, 3, 3, channels]  @param bias [units], or NULL
 * @param[out] packed zeroed */
edgert_status er_conv_winograd_f32_pack(er_plan *plan, const er_conv_gemm *conv,
                                        const float *values, const float *bias, char *packed);
/** @return bytes of scratch of one thread */
size_t er_conv_winograd_f32_bytes(const er_conv_gemm *conv);
/** Whole output lines.
 * @param lines [rows + 2] padded input lines, line_floats apart
 * @param output [rows, out_w] pixels */
void er_conv_winograd_f32_lines(const er_conv_gemm *conv, int32_t rows, const float *lines,
                                int64_t line_floats, float *output, float *scratch);

#endif
