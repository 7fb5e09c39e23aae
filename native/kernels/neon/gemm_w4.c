#include "kernels/neon/layer.h"
#include "kernels/neon/nibbles.h"

enum { ER_W4_UNITS = 16, ER_W4_ROWS = 4 }; /* as the int8 gemm */
ER_GEMM_W4(er_gemm_w4_neon, "gemm_w4_neon", er_gemm_s8_neon, er_w4_run_neon)
