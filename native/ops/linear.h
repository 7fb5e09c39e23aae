/* What CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED and TRANSPOSE_CONV have in common: weights, bias
 * and the way from accumulators to outputs. */
#ifndef ER_OPS_LINEAR_H
#define ER_OPS_LINEAR_H

#include "activation.h"
#include "kernels/kernels.h"
#include "memory.h"
#include "op.h"

typedef enum er_arithmetic { ER_FLOAT_LINEAR, ER_S8_LINEAR, ER_S16_LINEAR } er_arithmetic;

/* The tensors of such an operator and how its weights are laid out. */
typedef struct er_linear_tensors {
  const er_tensor *input, *weights, *bias, *output; /* bias may be NULL */
  int32_t units;                                    /* output channels */
  int32_t axis;                                     /* of the weights: the output channel */
} er_linear_tensors;

typedef struct er_linear {
  er_arithmetic arithmetic;
  edgert_type type;     /* of the activations */
  int32_t zero_point;   /* of the input */
  er_bounds bounds;     /* float: the fused activation */
  er_requant requant;   /* S8 */
  er_requant_wide wide; /* S16 */
} er_linear;

/** Check types, quantization, bias and accumulator bounds, and fill `linear`.
 * @param bounds the fused activation */
edgert_status er_prepare_linear(er_plan *plan, const er_node *node,
                                const er_linear_tensors *tensors, er_bounds bounds,
                                er_linear *linear);

/** @return whether the fast kernels compute this operator: int8 activations, weights of 8 or 4 bits
 * whose zero points are 0, or uint8 weights that but for few units fit int8 (wide_units.h). */
bool er_is_fast(const er_linear_tensors *tensors, const er_linear *linear);

/** @return whether weights are constants of 8 or 4 bits whose zero points are 0. */
bool er_has_plain_integers(const er_tensor *weights);

/** @return the scale of an output channel's weights. */
float er_weight_scale(const er_tensor *weights, int32_t channel);

/** @return the weights one a byte: the constant itself, or int4 unpacked, or what fits of uint8 less
 * its zero point, in memory that is gone after prepare; NULL when memory is refused. */
const int8_t *er_weights_as_int8(er_plan *plan, const er_tensor *weights);

/** @return the output range for the fast kernels. */
er_range_s8 er_linear_range(const er_linear *linear);

/** Weight number i less its zero point, whatever its type (INT8, UINT8, INT4).
 * @param channel its output channel */
int16_t er_weight_at(const er_tensor *weights, int64_t i, int32_t channel);

/** @return weights [units, n] as the gemm kernels want them: int16 less the zero point, rows of n
 * padded to ER_DEPTH_STEP, and in each group the number of rows to ER_UNIT_STEP; NULL when memory
 * is refused. */
const int16_t *er_pack_rows(er_plan *plan, const er_tensor *weights, int32_t units, int32_t groups);

/** @return `value` rounded up to a multiple of `step`. */
int32_t er_round_up(int32_t value, int32_t step);

/** @return float weights for the float kernels: the tensor's own constant, or quantized weights
 * turned into floats once (weight-only quantization); NULL when memory is refused. */
const float *er_float_weights(er_plan *plan, const er_tensor *weights);

/** Refuse weights that are computed while running. */
edgert_status er_want_constant(er_plan *plan, const er_node *node, const er_tensor *tensor,
                               const char *what);

/** The part of `requant` that starts at unit `first`. */
er_requant er_requant_from(const er_requant *requant, int32_t first);
er_requant_wide er_requant_wide_from(const er_requant_wide *requant, int32_t first);

#endif
