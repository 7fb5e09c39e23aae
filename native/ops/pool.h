/* What fused groups need to know of pools. */
#ifndef ER_OPS_POOL_H
#define ER_OPS_POOL_H

#include "pad.h"

/** Let a prepared MAX_POOL_2D pad by itself what a PAD node put around its input.
 * @return false when the node is none, or cannot to the same bits */
bool er_max_pool_repad(er_node *node, const er_padding *padding);

#endif
