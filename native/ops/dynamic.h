/* Float activations with integer weights: activations are quantized to 8 bits while running, rows
 * or images one by one, and products are integers. LiteRT's rule, bit for bit (docs/NUMERICS.md).
 */
#ifndef ER_OPS_DYNAMIC_H
#define ER_OPS_DYNAMIC_H

#include "linear.h"

/* The weights of one operator. */
typedef struct er_dynamic {
  const er_gemm_s8 *gemm;
  const er_kernels *kernels;
  const char *packed; /* [groups][group_bytes] */
  size_t group_bytes;
  int32_t groups, units, depth; /* of one group */
  const int32_t *sums;          /* [groups * units] of each unit's weights */
  const float *scale;           /* [groups * units] */
  er_bounds bounds;
} er_dynamic;

enum { ER_DYNAMIC_ROWS = 32 }; /* of a tile of sums */
/** @return units of a tile of sums: whole steps of the kernel. */
int32_t er_dynamic_tile_units(const er_dynamic *dynamic);
/** @return bytes of a tile of sums. */
size_t er_dynamic_tile_bytes(const er_dynamic *dynamic);

/** @return whether this operator is computed so: float activations, constant INT8 or INT4 weights
 * with zero points 0, sums that cannot overflow. */
bool er_is_dynamic(const er_linear_tensors *tensors, const er_linear *linear, int32_t depth);

/** Pack the weights [groups * units, depth]. */
edgert_status er_dynamic_plan(er_plan *plan, const er_linear_tensors *tensors,
                              const er_linear *linear, int32_t groups, er_dynamic *dynamic);
/** Output units [first, last) of a group for a few rows.
 * @param count at most ER_DYNAMIC_ROWS
 * @param rows [count, depth] quantized  @param quant [count]
 * @param bias [units] of this group, or NULL
 * @param first a multiple of the kernel's unit step
 * @param part,parts of the weights of the units behind `last` this part is fetched meanwhile;
 * 0: none is
 * @param output unit u of row r at output[r * stride + u]
 * @param tile [ER_DYNAMIC_ROWS][tile units] scratch */
void er_dynamic_rows(const er_dynamic *dynamic, int32_t group, int32_t count, const int8_t *rows,
                     const er_row_quant *quant, const float *bias, int32_t first, int32_t last,
                     int32_t part, int32_t parts, float *output, int64_t stride, int32_t *tile);

#endif
