#include "fuse.h"
#include "ops/binary.h"
#include "ops/unary.h"

static bool looks_up(er_plan *plan, const er_node *next, er_tail *tail) {
  const uint8_t *table = er_unary_table(next);
  if (table)
    *tail = (er_tail){.table = table, .lookup = er_plan_kernels(plan)->lookup, .other = -1};
  return table != NULL;
}

static bool combines(const er_node *node, const er_node *next, er_tail *tail) {
  const er_binary_plan *binary = er_plain_binary(next);
  const bool first = next->inputs[0] == node->outputs[0];
  if (binary) {
    *tail = (er_tail){.binary = binary, .other = next->inputs[first ? 1 : 0], .ours_first = first};
  }
  return binary != NULL;
}

er_node *er_tail_after(er_plan *plan, const er_links *links, const er_node *node, er_tail *tail) {
  *tail = (er_tail){.other = -1};
  er_node *next = er_only_consumer(links, node);
  return next && (looks_up(plan, next, tail) || combines(node, next, tail)) ? next : NULL;
}

void er_tail_run(const er_tail *tail, int32_t count, const void *ours, const void *other,
                 void *output) {
  if (tail->table) {
    tail->lookup(tail->table, count, ours, output);
  } else {
    tail->binary->run(tail->binary, count, tail->ours_first ? ours : other,
                      tail->ours_first ? other : ours, output);
  }
}
