/* The products of int16 rows, for 8-bit files whose weights have zero points: the portable loops,
 * which the compiler turns into vpmaddwd. */
#include "avx2.h"

#define er_gemm_wide_s8 er_gemm_wide_s8_avx2
#define er_dwconv_wide_s8 er_dwconv_wide_s8_avx2
#include "kernels/generic/gemm_wide_s8.c"
#undef BLOCK
#include "kernels/generic/dwconv_wide_s8.c"
