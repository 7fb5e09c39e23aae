/* The portable loops, which the compiler turns into vectors of eight. */
#include "avx2.h"

#define er_softmax_f32 er_softmax_f32_avx2
#include "kernels/generic/softmax_f32.c"
