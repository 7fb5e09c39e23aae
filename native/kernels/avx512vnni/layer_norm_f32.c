/* The portable loops, which the compiler turns into vectors of sixteen. */
#include "avx512vnni.h"

#define er_layer_norm_f32 er_layer_norm_f32_avx512
#include "kernels/generic/layer_norm_f32.c"
