/* What the layer of ARMv8.2's dot products brings. */
#ifndef ER_DOTPROD_LAYER_H
#define ER_DOTPROD_LAYER_H

#include "kernels/kernels.h"

extern const er_gemm_s8 er_gemm_s8_dotprod, er_gemm_w4_dotprod, er_gemm_sums_dotprod;
extern const er_dwconv_s8 er_dwconv_s8_dotprod;
void er_add_row_s8_dotprod(const er_add_s8 *add, bool is_unsigned, int32_t count, const void *a,
                           int32_t a_step, const void *b, int32_t b_step, uint8_t *output);
void er_lookup_dotprod(const uint8_t *table, int64_t count, const uint8_t *input, uint8_t *output);
void er_gemv_s8_dotprod(const er_gemv_s8_call *call);
void er_gemv_w4_dotprod(const er_gemv_s8_call *call);
void er_batch_matmul_dotprod(const er_matmul_shape *shape, const er_matmul_rule *rule,
                             const void *a, const void *b, void *output, int32_t product,
                             int16_t *scratch);

#endif
