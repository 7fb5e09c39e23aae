/* The portable loops, which the compiler turns into vectors of sixteen. */
#include "avx512vnni.h"

#define er_winograd_patch_f32 er_winograd_patch_f32_avx512
#define er_winograd_outputs_f32 er_winograd_outputs_f32_avx512
#include "kernels/generic/winograd_f32.c"

const er_winograd_f32 er_winograd_f32_avx512 = {"winograd_f32_avx512", er_winograd_patch_f32,
                                                er_winograd_outputs_f32};
