/* PAD before a convolution: the window reads the border by itself. */
#include "fuse.h"
#include "ops/pad.h"

edgert_status er_fuse_padding(er_plan *plan, const er_links *links, int32_t position, bool *fused) {
  er_node *pad = &links->graph->nodes[position];
  const er_pad_shape *shape = er_zero_padding(pad);
  er_node *next = shape ? er_only_consumer(links, pad) : NULL;
  if (!next || next->inputs[0] != pad->outputs[0]) return EDGERT_OK;
  if (!er_conv_repad(plan, next, shape) && !er_dwconv_repad(plan, next, shape)) return EDGERT_OK;
  const int32_t inputs[] = {pad->inputs[0], next->inputs[1],
                            next->input_count > 2 ? next->inputs[2] : -1};
  ER_TRY(er_take_inputs(plan, next, 3, inputs));
  pad->op = NULL;
  *fused = true;
  return EDGERT_OK;
}
