/* The generic versions of the kernels in `er_kernels`: portable C, the oracle of all others. */
#ifndef ER_GENERIC_H
#define ER_GENERIC_H

#include "kernels/kernels.h"

void er_gemm_s8_generic(int32_t count, int32_t depth, const int16_t *rows, const int16_t *weights,
                        const er_requant *requant, uint8_t *output, int64_t stride, int32_t first,
                        int32_t last);
void er_gemm_s16_generic(int32_t count, int32_t depth, const int16_t *rows, const int16_t *weights,
                         const er_requant_wide *requant, int16_t *output, int64_t stride,
                         int32_t first, int32_t last);
void er_dwconv_s8_generic(const er_conv_shape *shape, const int16_t *lines, const int16_t *weights,
                          const er_requant *requant, uint8_t *output);
void er_dwconv_s16_generic(const er_conv_shape *shape, const int16_t *lines, const int16_t *weights,
                           const er_requant_wide *requant, int16_t *output);

#endif
