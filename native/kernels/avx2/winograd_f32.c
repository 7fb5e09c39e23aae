/* The portable loops, which the compiler turns into vectors of eight. */
#include "avx2.h"

#define er_winograd_patch_f32 er_winograd_patch_f32_avx2
#define er_winograd_outputs_f32 er_winograd_outputs_f32_avx2
#include "kernels/generic/winograd_f32.c"

const er_winograd_f32 er_winograd_f32_avx2 = {"winograd_f32_avx2", er_winograd_patch_f32,
                                              er_winograd_outputs_f32};
