/* What the NEON layer brings; the layers above it may lean on these. */
#ifndef ER_NEON_LAYER_H
#define ER_NEON_LAYER_H

#include "kernels/kernels.h"

extern const er_gemm_s8 er_gemm_s8_neon;
extern const er_dwconv_s8 er_dwconv_s8_neon;

#endif
