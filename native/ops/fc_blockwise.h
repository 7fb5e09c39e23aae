/* FULLY_CONNECTED of floats with 4-bit weights in blocks, rows quantized one by one while running.
 */
#ifndef ER_OPS_FC_BLOCKWISE_H
#define ER_OPS_FC_BLOCKWISE_H

#include "activation.h"
#include "kernels/kernels.h"
#include "op.h"

typedef struct er_fc_blockwise {
  const er_gemm_w4b *gemm;
  const er_kernels *kernels;
  er_fc_shape shape;
  int32_t block;
  er_bounds bounds;
  const void *packed;
} er_fc_blockwise;

/** Check types and scales, and pack. Input 0 is the rows, 1 the weights, 2 the bias. */
edgert_status er_fc_blockwise_plan(er_plan *plan, er_node *node, const er_fc_shape *shape,
                                   er_bounds bounds, er_fc_blockwise *fc);
/** @param input [rows, depth]  @param bias [units], or NULL  @param output [rows, units] */
void er_fc_blockwise_run(const er_run *run, const er_fc_blockwise *fc, const float *input,
                         const float *bias, float *output);

#endif
