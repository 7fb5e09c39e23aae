/* What the layer of ARMv8.6's int8 matrix products brings. */
#ifndef ER_I8MM_LAYER_H
#define ER_I8MM_LAYER_H

#include "kernels/kernels.h"

extern const er_gemm_s8 er_gemm_s8_i8mm, er_gemm_w4_i8mm;

#endif
