#include "avx2.h"
#include "kernels/layers.h"

void er_add_avx2(er_kernels *kernels) { kernels->gemm_s8 = er_gemm_s8_avx2; }
