/* The portable loops, which the compiler turns into vectors of eight. */
#include "avx2.h"

#define er_unary_f32 er_unary_f32_avx2
#include "kernels/generic/unary_f32.c"
