#include "avx512vnni.h"
#include "kernels/layers.h"

void er_add_avx512vnni(er_kernels *kernels) {
  kernels->gemm_s8 = er_gemm_s8_avx512vnni;
  kernels->gemm_sums = er_gemm_s8_avx512vnni;
  kernels->gemv_s8 = (er_gemv_s8){"gemv_s8_avx512vnni", er_gemv_s8_avx512vnni};
  kernels->gemm_w4b = er_gemm_w4b_avx512vnni;
  kernels->quantize_row = er_quantize_row_avx512;
  kernels->scale_sums = er_scale_sums_avx512;
  kernels->batch_matmul = er_batch_matmul_avx512;
  kernels->dwconv_s8 = er_dwconv_s8_avx512vnni;
  kernels->gemm_f32 = er_gemm_f32_avx512;
  kernels->winograd_f32 = er_winograd_f32_avx512;
  kernels->add_row_s8 = er_add_row_s8_avx512;
  kernels->quantize = er_quantize_avx512;
  kernels->softmax_f32 = er_softmax_f32_avx512;
  kernels->layer_norm_f32 = er_layer_norm_f32_avx512;
  kernels->unary_f32 = er_unary_f32_avx512;
  kernels->dwconv_f32.name = "dwconv_f32_avx512";
  kernels->dwconv_f32.run = er_dwconv_f32_avx512;
  kernels->gemm_w4 = er_gemm_s8_avx512vnni; /* bytes: unpacking nibbles costs more than it saves */
}
