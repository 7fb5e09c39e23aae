/* A table's result and nothing else but the table's own input is another table's result: x *
 * sigmoid(x) (SiLU) is looked up at once. */
#include "fuse.h"
#include "ops/unary.h"

enum { BYTES = 256 };

edgert_status er_fuse_function(er_plan *plan, const er_links *links, int32_t position,
                               bool *fused) {
  er_node *node = &links->graph->nodes[position];
  const uint8_t *table = er_unary_table(node);
  if (!table) return EDGERT_OK;
  er_tail tail;
  er_node *last = er_tail_after(plan, links, node, &tail);
  if (!last || (tail.binary && tail.other != node->inputs[0])) return EDGERT_OK;
  uint8_t every[BYTES], results[BYTES];
  for (int32_t i = 0; i < BYTES; i++) every[i] = (uint8_t)i;
  er_tail_run(&tail, BYTES, table, every, results);
  void *data = er_unary_with_table(plan, node, results);
  if (!data) return er_plan_no_memory(plan);
  er_node *const members[] = {node, last};
  const er_group group = {members, 2, node->op->run, 1, node->inputs, true, data, 0};
  ER_TRY(er_merge(plan, &group));
  *fused = true;
  return EDGERT_OK;
}
