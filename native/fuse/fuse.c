#include "fuse.h"

#include <string.h>

/* In this order: blocks see plain convolutions, and those what is left of functions. */
static const er_pattern patterns[] = {er_fuse_norm,    er_fuse_function, er_fuse_activation,
                                      er_fuse_padding, er_fuse_block,    er_fuse_residual};

static void take(er_links *links, int32_t tensor, int32_t position) {
  if (tensor < 0) return;
  int32_t *consumer = &links->consumer[tensor];
  *consumer = *consumer == ER_NOBODY ? position : ER_SEVERAL;
}

static void link_up(er_links *links) {
  er_graph *graph = links->graph;
  for (int32_t t = 0; t < graph->source->tensor_count; t++) {
    links->producer[t] = links->consumer[t] = ER_NOBODY;
  }
  for (int32_t i = 0; i < graph->node_count; i++) {
    const er_node *node = &graph->nodes[i];
    if (!node->op) continue;
    for (int32_t k = 0; k < node->input_count; k++) take(links, node->inputs[k], i);
    for (int32_t k = 0; k < node->output_count; k++) links->producer[node->outputs[k]] = i;
  }
  for (int32_t i = 0; i < graph->source->outputs.count; i++) {
    links->consumer[graph->source->outputs.at[i]] = ER_SEVERAL;
  }
}

static void close_gaps(er_graph *graph) {
  int32_t kept = 0;
  for (int32_t i = 0; i < graph->node_count; i++) {
    if (graph->nodes[i].op) graph->nodes[kept++] = graph->nodes[i];
  }
  graph->node_count = kept;
}

edgert_status er_fuse(er_plan *plan, er_graph *graph) {
  const size_t tensors = (size_t)graph->source->tensor_count;
  er_links links = {.graph = graph,
                    .producer = er_memory_array(&plan->scratch, tensors, sizeof(int32_t)),
                    .consumer = er_memory_array(&plan->scratch, tensors, sizeof(int32_t))};
  if (!links.producer || !links.consumer) return er_plan_no_memory(plan);
  link_up(&links);
  for (size_t p = 0; p < sizeof patterns / sizeof *patterns; p++) {
    for (int32_t i = 0; i < graph->node_count; i++) {
      bool fused = false;
      if (graph->nodes[i].op) ER_TRY(patterns[p](plan, &links, i, &fused));
      if (fused) link_up(&links);
    }
  }
  close_gaps(graph);
  return EDGERT_OK;
}

er_node *er_only_consumer(const er_links *links, const er_node *node) {
  if (node->output_count != 1) return NULL;
  const int32_t position = links->consumer[node->outputs[0]];
  return position < 0 ? NULL : &links->graph->nodes[position];
}

er_node *er_only_producer(const er_links *links, int32_t tensor) {
  if (tensor < 0 || links->consumer[tensor] < 0 || links->producer[tensor] < 0) return NULL;
  return &links->graph->nodes[links->producer[tensor]];
}

edgert_status er_take_inputs(er_plan *plan, er_node *last, int32_t count, const int32_t *inputs) {
  int32_t *own = er_plan_alloc(plan, (size_t)count * sizeof *own);
  if (!own) return er_plan_no_memory(plan);
  memcpy(own, inputs, (size_t)count * sizeof *own);
  last->input_count = count;
  last->inputs = own;
  return EDGERT_OK;
}

/* "CONV_2D+ADD" */
static const char *joint_name(er_plan *plan, const er_group *group) {
  size_t bytes = 1;
  for (int32_t i = 0; i < group->member_count; i++) {
    if (group->members[i]) bytes += strlen(group->members[i]->op->name) + 1;
  }
  char *name = er_plan_alloc(plan, bytes);
  if (!name) return NULL;
  for (int32_t i = 0; i < group->member_count; i++) {
    if (!group->members[i]) continue;
    if (*name) strcat(name, "+");
    strcat(name, group->members[i]->op->name);
  }
  return name;
}

/* The group counts all products and is known by the kernel that computes most of them. */
static void absorb(const er_group *group, er_node *last) {
  int64_t most = last->macs;
  for (int32_t i = 0; i < group->member_count; i++) {
    er_node *member = group->members[i];
    if (!member || member == last) continue;
    if (member->macs > most) last->kernel = member->kernel;
    if (member->macs > most) most = member->macs;
    last->macs += member->macs;
    member->op = NULL;
  }
}

edgert_status er_merge(er_plan *plan, const er_group *group) {
  er_op *op = er_plan_alloc(plan, sizeof *op);
  const char *name = joint_name(plan, group);
  if (!op || !name) return er_plan_no_memory(plan);
  *op = (er_op){.builtin = -1, .name = name, .run = group->run, .in_place = group->in_place};
  er_node *last = NULL;
  for (int32_t i = 0; i < group->member_count; i++) {
    if (group->members[i]) last = group->members[i];
  }
  ER_TRY(er_take_inputs(plan, last, group->input_count, group->inputs));
  absorb(group, last);
  last->op = op;
  last->data = group->data;
  last->scratch_bytes = group->thread_bytes * (size_t)er_plan_threads(plan);
  return EDGERT_OK;
}
