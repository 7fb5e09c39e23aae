/* What fusing asks of a reduction. */
#ifndef ER_OPS_REDUCE_H
#define ER_OPS_REDUCE_H

#include "op.h"

/** @return the length of the rows, innermost in a float tensor, of each of which the node takes the
 * mean; 0 where it does something else */
int32_t er_mean_depth(const er_node *node);

#endif
