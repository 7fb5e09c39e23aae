/* The portable loops, which the compiler turns into vectors of eight. */
#include "avx2.h"

#define er_layer_norm_f32 er_layer_norm_f32_avx2
#include "kernels/generic/layer_norm_f32.c"
