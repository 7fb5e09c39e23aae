/* The portable loops, which the compiler turns into vectors of sixteen. */
#include "avx512vnni.h"

#define er_unary_f32 er_unary_f32_avx512
#include "kernels/generic/unary_f32.c"
