/* Two inputs of different shapes as rows that a kernel can take one after the other. */
#ifndef ER_OPS_BROADCAST_H
#define ER_OPS_BROADCAST_H

#include "op.h"

/* The innermost dimension is `count` elements with steps 0 or 1; around it are `rank` dimensions.
 */
typedef struct er_broadcast {
  int32_t count;
  int32_t a_step, b_step;
  int32_t rank;
  int32_t dims[EDGERT_MAX_RANK];
  int64_t a_stride[EDGERT_MAX_RANK], b_stride[EDGERT_MAX_RANK]; /* elements; 0 where repeated */
  int64_t rows;                                                 /* product of dims */
} er_broadcast;

/** Broadcast inputs 0 and 1 against each other as numpy does and declare the output's shape. */
edgert_status er_plan_broadcast(er_plan *plan, const er_node *node, er_broadcast *broadcast);

/* Where the inputs of a row start. */
typedef struct er_row {
  int32_t at[EDGERT_MAX_RANK];
  int64_t a, b; /* elements */
} er_row;

/** @return row number `index`. */
er_row er_row_at(const er_broadcast *broadcast, int64_t index);
/** Go on by `rows`, at most to the end of the innermost of the dimensions around. */
void er_row_next(const er_broadcast *broadcast, int32_t rows, er_row *row);

#endif
