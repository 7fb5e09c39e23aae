/* A float result between bounds (RELU and its like) where an elementwise operator on two inputs
 * made it: that operator bounds it. */
#include "fuse.h"
#include "ops/binary.h"
#include "ops/unary.h"

static float between(float value, er_bounds bounds) {
  return value < bounds.low ? bounds.low : value > bounds.high ? bounds.high : value;
}

edgert_status er_fuse_activation(er_plan *plan, const er_links *links, int32_t position,
                                 bool *fused) {
  er_node *node = &links->graph->nodes[position];
  er_binary_plan *binary = er_float_binary(node);
  er_node *last = binary ? er_only_consumer(links, node) : NULL;
  er_bounds bounds;
  if (!last || !er_unary_bounds(last, &bounds)) return EDGERT_OK;
  binary->bounds =
      (er_bounds){between(binary->bounds.low, bounds), between(binary->bounds.high, bounds)};
  er_node *const members[] = {node, last};
  const er_group group = {members, 2, node->op->run, 2, node->inputs, node->op->in_place,
                          binary,  0};
  ER_TRY(er_merge(plan, &group));
  *fused = true;
  return EDGERT_OK;
}
