/* BATCH_MATMUL of 8-bit integers by an int8 gemm of the same machine. */
#ifndef ER_NEON_MATMUL_H
#define ER_NEON_MATMUL_H

#include "kernels/kernels.h"

/** As er_batch_matmul.
 * @param gemm has `sums` */
void er_matmul_by_gemm(const er_gemm_s8 *gemm, const er_matmul_shape *shape,
                       const er_matmul_rule *rule, const void *a, const void *b, void *output,
                       int32_t product, int16_t *scratch);

#endif
