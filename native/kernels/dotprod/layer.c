#include "kernels/dotprod/layer.h"

#include "kernels/layers.h"

void er_add_dotprod(er_kernels *kernels) {
  kernels->gemm_s8 = er_gemm_s8_dotprod;
  kernels->gemm_w4 = er_gemm_w4_dotprod;
  kernels->gemm_sums = er_gemm_sums_dotprod;
  kernels->batch_matmul = er_batch_matmul_dotprod;
  kernels->dwconv_s8 = er_dwconv_s8_dotprod;
  kernels->gemv_s8 = (er_gemv_s8){"gemv_s8_dotprod", er_gemv_s8_dotprod};
  kernels->gemv_w4 = (er_gemv_s8){"gemv_w4_dotprod", er_gemv_w4_dotprod};
  kernels->add_row_s8 = er_add_row_s8_dotprod;
  kernels->lookup = er_lookup_dotprod;
}
