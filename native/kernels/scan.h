/* Walks along one axis: [outer, length, inner] inputs; and the k largest of a row. */
#ifndef ER_KERNELS_SCAN_H
#define ER_KERNELS_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "edgert.h"

typedef struct er_axis_shape {
  int64_t outer;
  int32_t length; /* >= 1 */
  int64_t inner;
} er_axis_shape;

/** ARG_MAX and ARG_MIN; the first of equal values wins.
 * @param input [outer, length, inner]  @param output [outer, inner] */
typedef void (*er_arg_extreme)(const er_axis_shape *shape, bool largest, const void *input,
                               int32_t *output);
/** @return NULL when the type has no order here. */
er_arg_extreme er_arg_extreme_for(edgert_type type);

/** CUMSUM; integers wrap around.
 * @param exclusive output i is the sum of what comes before i  @param reverse from the end
 * @param input,output [outer, length, inner] */
typedef void (*er_cumsum)(const er_axis_shape *shape, bool exclusive, bool reverse,
                          const void *input, void *output);
er_cumsum er_cumsum_for(edgert_type type);

/** The k largest of each row, largest first, the lower index first among equals.
 * @param input [rows, length]  @param values [rows, k]  @param indices [rows, k]
 * @param heap [k] scratch */
typedef void (*er_top_k)(int64_t rows, int32_t length, int32_t k, const void *input, void *values,
                         int32_t *indices, int32_t *heap);
er_top_k er_top_k_for(edgert_type type);

#endif
