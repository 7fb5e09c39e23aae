#include "fuse.h"
#include "ops/binary.h"

er_node *er_tail_after(const er_links *links, const er_node *node, er_tail *tail) {
  *tail = (er_tail){.binary = NULL};
  er_node *next = er_only_consumer(links, node);
  const er_binary_plan *binary = next ? er_plain_binary(next) : NULL;
  if (!binary) return NULL;
  const bool first = next->inputs[0] == node->outputs[0];
  *tail = (er_tail){.binary = binary, .other = next->inputs[first ? 1 : 0], .ours_first = first};
  return next;
}

void er_tail_run(const er_tail *tail, int32_t count, const void *ours, const void *other,
                 void *output) {
  tail->binary->run(tail->binary, count, tail->ours_first ? ours : other,
                    tail->ours_first ? other : ours, output);
}
