#include "kernels/neon/layer.h"

#include "kernels/layers.h"

void er_add_neon(er_kernels *kernels) {
  kernels->gemm_s8 = er_gemm_s8_neon;
  kernels->gemm_w4 = er_gemm_w4_neon;
  kernels->gemm_sums = er_gemm_sums_neon;
#ifdef __aarch64__ /* ARMv7 flushes subnormal floats, has no fused product and truncates */
  kernels->quantize_row = er_quantize_row_neon;
  kernels->scale_sums = er_scale_sums_neon;
  kernels->softmax_s8 = er_softmax_s8_neon;
#endif
  kernels->batch_matmul = er_batch_matmul_neon;
  kernels->dwconv_s8 = er_dwconv_s8_neon;
  kernels->gemv_s8 = (er_gemv_s8){"gemv_s8_neon", er_gemv_s8_neon};
  kernels->add_row_s8 = er_add_row_s8_neon;
  kernels->mul_row_s8 = er_mul_row_s8_neon;
  kernels->lookup = er_lookup_neon;
  kernels->sum = er_sum_neon;
  kernels->gemm_f32 = er_gemm_f32_neon;
  kernels->dwconv_f32.name = "dwconv_f32_neon";
  kernels->dwconv_f32.run = er_dwconv_f32_neon;
  kernels->fc_f32.name = "fc_f32_neon";
  kernels->fc_f32.run = er_fc_f32_neon;
  kernels->average_pool = er_average_pool_neon;
  kernels->max_pool = er_max_pool_neon;
  kernels->quantize = er_quantize_neon;
  kernels->dequantize = er_dequantize_neon;
}
