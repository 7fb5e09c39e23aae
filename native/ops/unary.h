/* The table by which an elementwise operator on one 8-bit input looks its results up. */
#ifndef ER_OPS_UNARY_H
#define ER_OPS_UNARY_H

#include "op.h"

/** @return [256] results by the stored byte, or NULL where the node computes otherwise. */
const uint8_t *er_unary_table(const er_node *node);

/** What `node`, which has a table, leaves for its run, with another table.
 * @param table [256] copied
 * @return NULL without memory */
void *er_unary_with_table(er_plan *plan, const er_node *node, const uint8_t *table);

#endif
