/* The portable loops over channels, which the compiler turns into vectors of eight. */
#include "avx2.h"

#define er_resize_bilinear er_resize_bilinear_avx2
#include "kernels/generic/resize_bilinear.c"
