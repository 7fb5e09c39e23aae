#include "kernels/i8mm/layer.h"

#include "kernels/layers.h"

void er_add_i8mm(er_kernels *kernels) {
  kernels->gemm_s8 = er_gemm_s8_i8mm;
  kernels->gemm_w4 = er_gemm_w4_i8mm;
}
