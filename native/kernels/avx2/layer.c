#include "avx2.h"
#include "kernels/layers.h"

void er_add_avx2(er_kernels *kernels) {
  kernels->gemm_s8 = er_gemm_s8_avx2;
  kernels->dwconv_s8 = er_dwconv_s8_avx2;
  kernels->gemm_f32 = er_gemm_f32_avx2;
  kernels->dwconv_f32.name = "dwconv_f32_avx2";
  kernels->dwconv_f32.run = er_dwconv_f32_avx2;
}
