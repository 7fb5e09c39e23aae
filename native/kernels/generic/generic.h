/* The portable kernels: the oracle of all others, and what a machine without a faster one runs. */
#ifndef ER_GENERIC_H
#define ER_GENERIC_H

#include "kernels/float.h"
#include "kernels/kernels.h"

extern const er_gemm_s8 er_gemm_s8_generic;
extern const er_gemm_w4b er_gemm_w4b_generic;
extern const er_dwconv_s8 er_dwconv_s8_generic;
extern const er_gemm_f32 er_gemm_f32_generic;
er_row_quant er_quantize_row(int64_t count, const float *input, int8_t *output);
void er_scale_sums(const er_scale_sums_call *call);
void er_gemv_s8_generic(const er_gemv_s8_call *call);
void er_dwconv_f32_generic(const er_dwconv_f32_call *call);

#endif
