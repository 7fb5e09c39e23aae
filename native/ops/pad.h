/* What fused groups need to know of PAD. */
#ifndef ER_OPS_PAD_H
#define ER_OPS_PAD_H

#include "kernels/shapes.h"
#include "op.h"

/* What a node puts around the lines and columns of images. */
typedef struct er_padding {
  const er_pad_shape *shape;
  const void *value; /* one element */
  bool is_zero;      /* real 0.0 */
} er_padding;

/** @return whether the node pads lines and columns alone, with a value known before it runs. */
bool er_padding_of(const er_plan *plan, const er_node *node, er_padding *padding);

#endif
