/* The plan of an elementwise operator on two inputs. */
#ifndef ER_OPS_BINARY_H
#define ER_OPS_BINARY_H

#include "activation.h"
#include "broadcast.h"
#include "kernels/kernels.h"

typedef struct er_binary_plan er_binary_plan;

struct er_binary_plan {
  const er_kernels *kernels;
  er_binary op;
  edgert_type type; /* of both inputs and the output */
  er_broadcast rows;
  int64_t element_bytes;
  /* Computes one row. @return RUN_TIME when a value has no result. */
  edgert_status (*run)(const er_binary_plan *plan, int32_t count, const void *a, const void *b,
                       void *output);
  er_bounds bounds;    /* float */
  er_wide_range range; /* int32, int64, and what keeps its scale */
  er_add_s8 add;       /* one of these for quantized types */
  er_mul_s8 mul;
  er_fixed_binary fixed;
};

/** Choose the kernel of a quantized type and compute its constants. */
edgert_status er_plan_quantized_binary(er_plan *plan, er_node *node, er_binary_plan *binary,
                                       const er_tensor *a, const er_tensor *b,
                                       const er_tensor *output);

/** @return the plan of a node that combines two tensors of one shape element by element and cannot
 * fail, else NULL. */
const er_binary_plan *er_plain_binary(const er_node *node);
/** @return the plan of a node that combines two float tensors, else NULL. */
er_binary_plan *er_float_binary(const er_node *node);

#endif
