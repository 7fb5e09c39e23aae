/* What fusing asks of an elementwise operator on one input. */
#ifndef ER_OPS_UNARY_H
#define ER_OPS_UNARY_H

#include "activation.h"

/** @return [256] results by the stored byte, or NULL where the node computes otherwise. */
const uint8_t *er_unary_table(const er_node *node);

/** What `node`, which has a table, leaves for its run, with another table.
 * @param table [256] copied
 * @return NULL without memory */
void *er_unary_with_table(er_plan *plan, const er_node *node, const uint8_t *table);

/** @return whether the node keeps floats between bounds and does nothing else (RELU and its like).
 */
bool er_unary_bounds(const er_node *node, er_bounds *bounds);

#endif
