/* Which kernels run on this machine. */
#include "kernels/kernels.h"

#include "kernels/generic/generic.h"

static const er_kernels generic = {
    .isa = "generic",
    .gemm_s8 = er_gemm_s8_generic,
    .gemm_s16 = er_gemm_s16_generic,
    .dwconv_s8 = er_dwconv_s8_generic,
    .dwconv_s16 = er_dwconv_s16_generic,
};

const er_kernels *er_best_kernels(void) { return &generic; }
