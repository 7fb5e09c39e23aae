#include "kernels/amx/amx.h"
#include "kernels/layers.h"

void er_add_amx(er_kernels *kernels) {
  kernels->gemm_s8 = er_gemm_s8_amx;
  kernels->gemm_sums = er_gemm_sums_amx;
  kernels->gemm_w4 = er_gemm_s8_amx; /* bytes, as on AVX-512 */
}
