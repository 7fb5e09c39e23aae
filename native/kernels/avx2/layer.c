#include "avx2.h"
#include "kernels/layers.h"

void er_add_avx2(er_kernels *kernels) {
  kernels->gemm_s8 = er_gemm_s8_avx2;
  kernels->gemm_sums = er_gemm_s8_avx2;
  kernels->gemm_w4 = er_gemm_s8_avx2; /* nibbles as bytes: weights so small come in chains */
  kernels->gemm_wide_s8 = er_gemm_wide_s8_avx2;
  kernels->dwconv_wide_s8 = er_dwconv_wide_s8_avx2;
  kernels->gemm_w4b = er_gemm_w4b_avx2;
  kernels->quantize_row = er_quantize_row_avx2;
  kernels->scale_sums = er_scale_sums_avx2;
  kernels->dwconv_s8 = er_dwconv_s8_avx2;
  kernels->gemm_f32 = er_gemm_f32_avx2;
  kernels->winograd_f32 = er_winograd_f32_avx2;
  kernels->dwconv_f32.name = "dwconv_f32_avx2";
  kernels->dwconv_f32.run = er_dwconv_f32_avx2;
  kernels->gemv_s8 = (er_gemv_s8){"gemv_s8_avx2", er_gemv_s8_avx2};
  kernels->gemv_w4 = (er_gemv_s8){"gemv_w4_avx2", er_gemv_w4_avx2};
  kernels->fc_f32.name = "fc_f32_avx2";
  kernels->fc_f32.run = er_fc_f32_avx2;
  kernels->batch_matmul = er_batch_matmul_avx2;
  kernels->wide_units_rows = er_wide_units_rows_avx2;
  kernels->wide_units_line = er_wide_units_line_avx2;
  kernels->add_row_s8 = er_add_row_s8_avx2;
  kernels->mul_row_s8 = er_mul_row_s8_avx2;
  kernels->fixed_binary_row = er_fixed_binary_row_avx2;
  kernels->lookup = er_lookup_avx2;
  kernels->slopes = er_slopes_avx2;
  kernels->quantize = er_quantize_avx2;
  kernels->dequantize = er_dequantize_avx2;
  kernels->sum = er_sum_avx2;
  kernels->average_pool = er_average_pool_avx2;
  kernels->max_pool = er_max_pool_avx2;
  kernels->average_pool_f32 = er_average_pool_f32_avx2;
  kernels->max_pool_f32 = er_max_pool_f32_avx2;
  kernels->resize_bilinear = er_resize_bilinear_avx2;
  kernels->softmax_s8 = er_softmax_s8_avx2;
  kernels->softmax_f32 = er_softmax_f32_avx2;
  kernels->layer_norm_f32 = er_layer_norm_f32_avx2;
  kernels->unary_f32 = er_unary_f32_avx2;
  kernels->binary_f32 = er_binary_f32_avx2;
  kernels->reduce_f32 = er_reduce_f32_avx2;
  kernels->extreme = er_extreme_avx2;
  kernels->integer_binary_row = er_integer_binary_row_avx2;
  kernels->compare_for = er_compare_for_avx2;
  kernels->select = er_select_avx2;
  kernels->copy_strided = er_copy_strided_avx2;
  kernels->cast = er_cast_avx2;
  kernels->arg_extreme_for = er_arg_extreme_for_avx2;
}
