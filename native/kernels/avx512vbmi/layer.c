#include "avx512vbmi.h"
#include "kernels/layers.h"

void er_add_avx512vbmi(er_kernels *kernels) {
  kernels->lookup = er_lookup_avx512vbmi;
  kernels->slopes = NULL;
}
