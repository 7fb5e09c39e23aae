/* Kernels that permute bytes (AVX-512 VBMI), beside those of AVX-512 VNNI. */
#ifndef ER_AVX512VBMI_H
#define ER_AVX512VBMI_H

#include <stdint.h>

void er_lookup_avx512vbmi(const uint8_t *table, int64_t count, const uint8_t *input,
                          uint8_t *output);

#endif
