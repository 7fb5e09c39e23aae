/* PAD before a convolution or a maximum pool: the window reads the border by itself. */
#include "fuse.h"
#include "ops/pool.h"

static bool repad(er_plan *plan, er_node *node, const er_padding *padding) {
  if (er_max_pool_repad(node, padding)) return true;
  return padding->is_zero &&
         (er_conv_repad(plan, node, padding->shape) || er_dwconv_repad(plan, node, padding->shape));
}

edgert_status er_fuse_padding(er_plan *plan, const er_links *links, int32_t position, bool *fused) {
  er_node *pad = &links->graph->nodes[position];
  er_padding padding;
  if (!er_padding_of(plan, pad, &padding)) return EDGERT_OK;
  er_node *next = er_only_consumer(links, pad);
  if (!next || next->inputs[0] != pad->outputs[0] || !repad(plan, next, &padding)) return EDGERT_OK;
  const int32_t inputs[] = {pad->inputs[0], next->input_count > 1 ? next->inputs[1] : -1,
                            next->input_count > 2 ? next->inputs[2] : -1};
  ER_TRY(er_take_inputs(plan, next, 3, inputs));
  pad->op = NULL;
  *fused = true;
  return EDGERT_OK;
}
