/* Fused activations, as bounds of the result. */
#ifndef ER_OPS_ACTIVATION_H
#define ER_OPS_ACTIVATION_H

#include "op.h"

/** Bounds in real numbers (-INFINITY, INFINITY: none). */
typedef struct er_bounds {
  float low, high;
} er_bounds;

/** Bounds in stored integers. */
typedef struct er_range {
  int32_t low, high;
} er_range;

/** Read a fused activation; UNSUPPORTED for TANH and SIGN_BIT, which are no bounds.
 * @param slot of fused_activation_function in the operator's options */
edgert_status er_want_activation(er_plan *plan, const er_node *node, int slot, er_bounds *bounds);

/** @return the range of an integer type (INT8, UINT8, INT16, INT32). */
er_range er_type_range(edgert_type type);

/** @return the stored integers that `bounds` leaves of a quantized tensor, bounds rounded half to
 * even. */
er_range er_quantized_range(const er_tensor *tensor, er_bounds bounds);

/** The same with bounds rounded half away from zero (AVERAGE_POOL_2D and the int16 operators). */
er_range er_quantized_range_away(const er_tensor *tensor, er_bounds bounds);

/** Require quantization with one scale, and of int16 zero point 0: kernels count on a value less
 * its zero point being an int16 again. */
edgert_status er_want_per_tensor(er_plan *plan, const er_node *node, const er_tensor *tensor);

/** Require the same scale and zero point on both. */
edgert_status er_want_same_quant(er_plan *plan, const er_node *node, const er_tensor *a,
                                 const er_tensor *b);

/** @return whether the tensor holds quantized integers (INT8, UINT8, INT16 with a scale). */
bool er_is_quantized(const er_tensor *tensor);

#endif
