/* What the NEON layer brings; the layers above it may lean on these. */
#ifndef ER_NEON_LAYER_H
#define ER_NEON_LAYER_H

#include "kernels/kernels.h"

extern const er_gemm_s8 er_gemm_s8_neon, er_gemm_w4_neon, er_gemm_sums_neon;
extern const er_dwconv_s8 er_dwconv_s8_neon;
/* 4-bit weights packed for er_gemm_s8_neon, unpacked in its loop where they can be. */
void er_w4_run_neon(const er_gemm_s8 *s8, const er_gemm_s8_call *call);
void er_gemv_s8_neon(const er_gemv_s8_call *call);
void er_add_row_s8_neon(const er_add_s8 *add, bool is_unsigned, int32_t count, const void *a,
                        int32_t a_step, const void *b, int32_t b_step, uint8_t *output);
void er_mul_row_s8_neon(const er_mul_s8 *mul, bool is_unsigned, int32_t count, const void *a,
                        int32_t a_step, const void *b, int32_t b_step, uint8_t *output);
void er_lookup_neon(const uint8_t *table, int64_t count, const uint8_t *input, uint8_t *output);
void er_sum_neon(const er_reduce_shape *shape, edgert_type type, const void *input, int64_t *sums);
void er_softmax_s8_neon(int64_t rows, int32_t depth, const float *exponentials, float output_scale,
                        int32_t zero_point, bool is_unsigned, const void *input, uint8_t *output);
void er_batch_matmul_neon(const er_matmul_shape *shape, const er_matmul_rule *rule, const void *a,
                          const void *b, void *output, int32_t product, int16_t *scratch);

er_row_quant er_quantize_row_neon(int64_t count, const float *input, int8_t *output);
void er_scale_sums_neon(const er_scale_sums_call *call);
extern const er_gemm_f32 er_gemm_f32_neon;
void er_dwconv_f32_neon(const er_dwconv_f32_call *call);
void er_fc_f32_neon(const er_fc_shape *shape, const float *input, const float *weights,
                    const float *bias, float low, float high, float *output, int32_t first,
                    int32_t last);
void er_average_pool_neon(const er_conv_shape *shape, edgert_type type, int32_t low, int32_t high,
                          const void *input, void *output, int32_t first, int32_t last);
void er_max_pool_neon(const er_conv_shape *shape, edgert_type type, int32_t low, int32_t high,
                      const void *input, void *output, int32_t first, int32_t last);
void er_quantize_neon(edgert_type type, float inverse_scale, int32_t zero_point, int64_t count,
                      const float *input, void *output);
void er_dequantize_neon(edgert_type type, float scale, int32_t zero_point, int64_t count,
                        const void *input, float *output);

#endif
