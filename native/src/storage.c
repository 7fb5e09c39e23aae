/* Which tensors share bytes, how long the bytes live, and where they are. */
#include "storage.h"

#include "arena.h"

static edgert_status make(er_plan *plan, er_graph *graph, storage *s) {
  size_t count = (size_t)graph->source->tensor_count;
  *s = (storage){.graph = graph,
                 .count = (int32_t)count,
                 .end = graph->node_count + 1,
                 .roots = er_memory_array(&plan->scratch, count, sizeof *s->roots),
                 .offsets = er_memory_array(&plan->scratch, count, sizeof *s->offsets),
                 .first = er_memory_array(&plan->scratch, count, sizeof *s->first),
                 .last = er_memory_array(&plan->scratch, count, sizeof *s->last),
                 .ends = er_memory_array(&plan->scratch, count, sizeof *s->ends)};
  if (!s->roots || !s->offsets || !s->first || !s->last || !s->ends) return er_plan_no_memory(plan);
  for (int32_t i = 0; i < s->count; i++) s->roots[i] = NO_ROOT;
  return EDGERT_OK;
}

/* ---- lifetimes ------------------------------------------------------------------------------- */

static void write_at(storage *s, int32_t tensor, int32_t step) {
  s->roots[tensor] = tensor;
  s->first[tensor] = s->last[tensor] = step;
}

static void mark_node(storage *s, const er_node *node, int32_t step) {
  for (int32_t i = 0; i < node->input_count; i++) {
    int32_t tensor = node->inputs[i];
    if (tensor >= 0 && s->roots[tensor] != NO_ROOT && s->last[tensor] < step) {
      s->last[tensor] = step;
    }
  }
  for (int32_t i = 0; i < node->output_count; i++) write_at(s, node->outputs[i], step);
}

/* Inputs keep what the caller wrote and outputs keep what was computed until the next run. */
static void mark_lifetimes(storage *s) {
  er_indices inputs = s->graph->source->inputs;
  er_indices outputs = s->graph->source->outputs;
  for (int32_t i = 0; i < inputs.count; i++) {
    write_at(s, inputs.at[i], 0);
    s->last[inputs.at[i]] = s->end;
    s->ends[inputs.at[i]] = FROM_CALLER;
  }
  for (int32_t i = 0; i < s->graph->node_count; i++) mark_node(s, &s->graph->nodes[i], i + 1);
  for (int32_t i = 0; i < outputs.count; i++) {
    s->last[outputs.at[i]] = s->end;
    s->ends[outputs.at[i]] |= TO_CALLER;
  }
}

/* ---- sharing --------------------------------------------------------------------------------- */

void er_share(storage *s, int32_t root, size_t offset, int32_t tensor) {
  s->roots[tensor] = root;
  s->offsets[tensor] = offset;
  s->ends[root] |= s->ends[tensor];
  if (s->last[tensor] > s->last[root]) s->last[root] = s->last[tensor];
}

/* Root of input 0 when output 0 has as many bytes, else NO_ROOT. */
static int32_t shareable_root(const storage *s, const er_node *node) {
  if (node->input_count == 0 || node->output_count == 0 || node->inputs[0] < 0) return NO_ROOT;
  const er_tensor *tensors = s->graph->tensors;
  if (tensors[node->inputs[0]].bytes != tensors[node->outputs[0]].bytes) return NO_ROOT;
  return s->roots[node->inputs[0]];
}

/* A caller may write an input between runs; an output must not change with it. */
static bool can_alias(const storage *s, const er_node *node, int32_t root) {
  bool end_to_end = (s->ends[root] & FROM_CALLER) && (s->ends[node->outputs[0]] & TO_CALLER);
  return node->op->alias && node->output_count == 1 && !end_to_end;
}

/* Input 0 may be overwritten when nothing reads its bytes later and no other input of the node sees
 * them under another shape. */
static bool can_overwrite(const storage *s, const er_node *node, int32_t root, int32_t step) {
  if (!node->op->in_place || s->last[root] != step) return false;
  for (int32_t i = 1; i < node->input_count; i++) {
    int32_t other = node->inputs[i];
    if (other >= 0 && other != node->inputs[0] && s->roots[other] == root) return false;
  }
  return true;
}

/* @return whether the node need not run */
static bool share_at(storage *s, const er_node *node, int32_t step) {
  if (er_view(s, node)) return true;
  int32_t root = shareable_root(s, node);
  if (root == NO_ROOT) return false;
  bool alias = can_alias(s, node, root);
  if (alias || can_overwrite(s, node, root, step)) {
    er_share(s, root, s->offsets[node->inputs[0]], node->outputs[0]);
  }
  return alias;
}

/* Dropped nodes keep their steps, so that lifetimes stay as they were counted: `steps` tells the
 * step of each node that is left. */
static void share_all(storage *s, int32_t *steps) {
  er_graph *graph = s->graph;
  int32_t kept = 0;
  for (int32_t i = 0; i < graph->node_count; i++) {
    if (share_at(s, &graph->nodes[i], i + 1)) continue;
    graph->nodes[kept] = graph->nodes[i];
    steps[kept++] = i + 1;
  }
  graph->node_count = kept;
}

/* ---- places ---------------------------------------------------------------------------------- */

static void fill_pieces(const storage *s, const int32_t *steps, er_piece *pieces) {
  const er_graph *graph = s->graph;
  for (int32_t i = 0; i < s->count; i++) {
    bool is_root = s->roots[i] == i;
    pieces[i] = (er_piece){
        .bytes = is_root ? graph->tensors[i].bytes : 0, .first = s->first[i], .last = s->last[i]};
  }
  for (int32_t i = 0; i < graph->node_count; i++) {
    pieces[s->count + i] =
        (er_piece){.bytes = graph->nodes[i].scratch_bytes, .first = steps[i], .last = steps[i]};
  }
}

static void place(const storage *s, const er_piece *pieces, char *arena) {
  er_graph *graph = s->graph;
  for (int32_t i = 0; i < s->count; i++) {
    if (s->roots[i] == NO_ROOT) continue;
    graph->data[i] = arena + pieces[s->roots[i]].offset + s->offsets[i];
  }
  for (int32_t i = 0; i < graph->node_count; i++) {
    graph->scratch[i] = arena + pieces[s->count + i].offset;
  }
}

static edgert_status take_arena(er_plan *plan, const storage *s, const int32_t *steps) {
  int32_t count = s->count + s->graph->node_count;
  er_piece *pieces = er_memory_array(&plan->scratch, (size_t)count, sizeof *pieces);
  if (!pieces) return er_plan_no_memory(plan);
  fill_pieces(s, steps, pieces);
  size_t bytes;
  if (!er_arena_plan(pieces, count, &plan->scratch, &bytes)) return er_plan_no_memory(plan);
  char *arena = er_plan_alloc(plan, bytes);
  if (!arena) return er_plan_no_memory(plan);
  plan->session->arena_bytes += bytes;
  place(s, pieces, arena);
  return EDGERT_OK;
}

edgert_status er_plan_storage(er_plan *plan, er_graph *graph) {
  storage s;
  ER_TRY(make(plan, graph, &s));
  size_t nodes = (size_t)graph->node_count;
  int32_t *steps = er_memory_array(&plan->scratch, nodes, sizeof *steps);
  er_memory *memory = &plan->session->memory;
  graph->scratch = er_memory_array(memory, nodes, sizeof *graph->scratch);
  graph->nanoseconds = er_memory_array(memory, nodes, sizeof *graph->nanoseconds);
  if (!steps || !graph->scratch || !graph->nanoseconds) return er_plan_no_memory(plan);
  mark_lifetimes(&s);
  share_all(&s, steps);
  return take_arena(plan, &s, steps);
}
