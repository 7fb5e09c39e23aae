/* The portable loops, which the compiler turns into vectors of eight. */
#include "avx2.h"

#define er_binary_f32 er_binary_f32_avx2
#include "kernels/generic/binary_f32.c"
