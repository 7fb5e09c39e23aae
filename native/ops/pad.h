/* What fused groups need to know of PAD. */
#ifndef ER_OPS_PAD_H
#define ER_OPS_PAD_H

#include "kernels/shapes.h"
#include "op.h"

/** @return the padding of a node that puts real 0.0 around the lines and columns of images, else
 * NULL. */
const er_pad_shape *er_zero_padding(const er_node *node);

#endif
