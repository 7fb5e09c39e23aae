#include "kernels/i8mm/layer.h"
#include "kernels/neon/nibbles.h"

enum { ER_W4_UNITS = 8, ER_W4_ROWS = 8 }; /* as the int8 gemm */
ER_GEMM_W4(er_gemm_w4_i8mm, "gemm_w4_i8mm", er_gemm_s8_i8mm, er_w4_run)
