/* Which layers an ARM core runs, from what Linux says of it. */
#if defined(__aarch64__) || defined(__arm__)
#include <sys/auxv.h>

#include "kernels/layers.h"

/* Bits of AT_HWCAP and AT_HWCAP2, by the kernel's ABI (asm/hwcap.h). */
#ifdef __aarch64__
bool er_has_neon(void) { return true; }
bool er_has_dotprod(void) { return (getauxval(AT_HWCAP) >> 20 & 1) != 0; }
bool er_has_i8mm(void) { return er_has_dotprod() && (getauxval(AT_HWCAP2) >> 13 & 1) != 0; }
#else
bool er_has_neon(void) { return (getauxval(AT_HWCAP) >> 12 & 1) != 0; }
#endif
#endif
