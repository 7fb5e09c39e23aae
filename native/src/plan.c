/* From a verified model to a session that is ready to run: operators are prepared in execution
 * order, what is constant is computed once, and storage.c gives every tensor its place. */
#include "plan.h"

#include <string.h>

#include "schema.h"

/* Folding is for weights and shapes; a network of constants is left to run. */
enum { MOST_DEPTH = 16, MOST_FOLDED_MACS = 1 << 24 };

/* ---- tensors --------------------------------------------------------------------------------- */

static edgert_status copy_tensors(er_plan *plan, er_graph *graph) {
  ER_TRY(er_move_to_int8(plan, &graph->source));
  size_t count = (size_t)graph->source->tensor_count;
  er_memory *memory = &plan->session->memory;
  graph->tensors = er_memory_array(memory, count, sizeof *graph->tensors);
  graph->data = er_memory_array(memory, count, sizeof *graph->data);
  if (!graph->tensors || !graph->data) return er_plan_no_memory(plan);
  for (size_t i = 0; i < count; i++) {
    graph->tensors[i] = graph->source->tensors[i];
    graph->data[i] = (void *)graph->tensors[i].constant;
  }
  return EDGERT_OK;
}

static edgert_status take_variables(er_plan *plan, er_graph *graph) {
  for (int32_t i = 0; i < graph->source->tensor_count; i++) {
    const er_tensor *tensor = &graph->tensors[i];
    if (!tensor->variable) continue;
    ER_TRY(er_plan_storable(plan, tensor));
    const bool offset = tensor->type == EDGERT_INT8 && tensor->quant.count > 0;
    const int32_t zero = offset ? tensor->quant.zero_point[0] : 0;
    graph->data[i] = er_plan_state(plan, tensor->bytes, (uint8_t)zero);
    if (!graph->data[i]) return er_plan_no_memory(plan);
  }
  return EDGERT_OK;
}

static edgert_status check_list(er_plan *plan, const er_graph *graph, int32_t count,
                                const int32_t *numbers) {
  for (int32_t i = 0; i < count; i++) {
    if (numbers[i] >= 0) ER_TRY(er_plan_storable(plan, &graph->tensors[numbers[i]]));
  }
  return EDGERT_OK;
}

/* ---- folding --------------------------------------------------------------------------------- */

static bool can_fold(const er_graph *graph, const er_node *node) {
  if (node->op->effect || node->macs > MOST_FOLDED_MACS) return false;
  if (node->op->folds) return true;
  for (int32_t i = 0; i < node->input_count; i++) {
    if (node->inputs[i] >= 0 && !graph->tensors[node->inputs[i]].constant) return false;
  }
  return true;
}

static edgert_status take_constants(er_plan *plan, er_graph *graph, const er_node *node) {
  for (int32_t i = 0; i < node->output_count; i++) {
    int32_t tensor = node->outputs[i];
    graph->data[tensor] = er_plan_alloc(plan, graph->tensors[tensor].bytes);
    if (!graph->data[tensor]) return er_plan_no_memory(plan);
  }
  return EDGERT_OK;
}

static edgert_status compute_constants(er_plan *plan, er_graph *graph, const er_node *node) {
  er_memory beside = er_memory_beside(&plan->session->memory);
  er_run run = {.session = plan->session,
                .tensors = graph->tensors,
                .data = graph->data,
                .scratch = er_memory_take(&beside, node->scratch_bytes),
                .kernels = &plan->session->kernels,
                .threads = 1};
  if (!run.scratch) {
    plan->session->memory.over_quota = beside.over_quota;
    return er_plan_no_memory(plan);
  }
  edgert_status status = node->op->run(&run, node);
  er_memory_release(&beside);
  if (status != EDGERT_OK) *plan->why = plan->session->error;
  return status;
}

/* An aliasing operator on a constant is the constant under another shape. */
static bool is_renamed_constant(const er_graph *graph, const er_node *node) {
  if (!node->op->alias || node->input_count == 0 || node->inputs[0] < 0) return false;
  const er_tensor *input = &graph->tensors[node->inputs[0]];
  return input->constant && input->bytes == graph->tensors[node->outputs[0]].bytes;
}

static edgert_status fold(er_plan *plan, er_graph *graph, const er_node *node) {
  if (is_renamed_constant(graph, node)) {
    graph->data[node->outputs[0]] = graph->data[node->inputs[0]];
  } else {
    ER_TRY(take_constants(plan, graph, node));
    ER_TRY(compute_constants(plan, graph, node));
  }
  for (int32_t i = 0; i < node->output_count; i++) {
    graph->tensors[node->outputs[i]].constant = graph->data[node->outputs[i]];
  }
  return EDGERT_OK;
}

/* ---- nodes ----------------------------------------------------------------------------------- */

static er_node make_node(const er_plan *plan, const er_graph *graph, int32_t index) {
  const er_operator *source = &graph->source->operators[index];
  er_node node = {.op = er_find_op(source->builtin),
                  .index = source->index,
                  .input_count = source->inputs.count,
                  .output_count = source->outputs.count,
                  .intermediate_count = source->intermediates.count,
                  .inputs = source->inputs.at,
                  .outputs = source->outputs.at,
                  .intermediates = source->intermediates.at,
                  .options = source->options,
                  .version = source->version,
                  .subgraph = (int32_t)(graph - plan->session->graphs)};
  node.options.buffer = &plan->session->file;
  return node;
}

static edgert_status check_node(er_plan *plan, const er_node *node) {
  if (plan->session->file.bad) {
    plan->session->file.bad = false;
    return er_plan_fail(plan, node, EDGERT_MALFORMED, "its options are damaged");
  }
  if (node->scratch_bytes > SIZE_MAX / 4) {
    return er_plan_fail(plan, node, EDGERT_OUT_OF_MEMORY,
                        "it needs more memory than can be addressed");
  }
  return EDGERT_OK;
}

/* Prepare one operator; *kept tells whether it is left to run. */
static edgert_status prepare(er_plan *plan, er_graph *graph, er_node *node, bool *kept) {
  ER_TRY(check_list(plan, graph, node->input_count, node->inputs));
  edgert_status status = node->op->prepare(plan, node);
  er_memory_release(&plan->borrowed);
  ER_TRY(status);
  ER_TRY(check_node(plan, node));
  ER_TRY(check_list(plan, graph, node->output_count, node->outputs));
  *kept = !can_fold(graph, node);
  return *kept ? EDGERT_OK : fold(plan, graph, node);
}

static edgert_status prepare_nodes(er_plan *plan, er_graph *graph) {
  int32_t count = graph->source->operator_count;
  graph->nodes = er_memory_array(&plan->session->memory, (size_t)count, sizeof *graph->nodes);
  if (!graph->nodes) return er_plan_no_memory(plan);
  for (int32_t i = 0; i < count; i++) {
    er_node *node = &graph->nodes[graph->node_count];
    bool kept;
    *node = make_node(plan, graph, i);
    ER_TRY(prepare(plan, graph, node, &kept));
    if (kept) graph->node_count++;
  }
  return EDGERT_OK;
}

/* ---- graphs ---------------------------------------------------------------------------------- */

static edgert_status plan_graph(er_plan *plan, er_graph *graph) {
  const er_subgraph *source = graph->source;
  ER_TRY(check_list(plan, graph, source->inputs.count, source->inputs.at));
  ER_TRY(take_variables(plan, graph));
  ER_TRY(prepare_nodes(plan, graph));
  ER_TRY(check_list(plan, graph, source->outputs.count, source->outputs.at));
  if (!plan->session->unfused) ER_TRY(er_fuse(plan, graph));
  return er_plan_storage(plan, graph);
}

static edgert_status plan_once(er_plan *plan, er_graph *graph) {
  graph->stage = ER_PLANNING;
  ER_TRY(plan_graph(plan, graph));
  graph->stage = ER_PLANNED;
  return EDGERT_OK;
}

static bool same_shape(const er_tensor *a, const er_tensor *b) {
  return a->type == b->type && a->rank == b->rank &&
         memcmp(a->dims, b->dims, (size_t)a->rank * sizeof *a->dims) == 0;
}

/* Give input i of a called subgraph the shape of what the caller hands it. */
static void adopt_shape(er_tensor *to, const er_tensor *from) {
  to->rank = from->rank;
  memcpy(to->dims, from->dims, sizeof to->dims);
  to->count = from->count;
  to->bytes = from->bytes;
}

static edgert_status fit_inputs(er_plan *plan, const er_node *node, int32_t first,
                                er_graph *graph) {
  er_indices inputs = graph->source->inputs;
  int32_t number = (int32_t)(graph - plan->session->graphs);
  if (inputs.count != node->input_count - first) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED,
                        "it hands %d values to subgraph %d, which takes %d",
                        node->input_count - first, number, inputs.count);
  }
  for (int32_t i = 0; i < inputs.count; i++) {
    const er_tensor *from = er_plan_input(plan, node, first + i);
    er_tensor *to = &graph->tensors[inputs.at[i]];
    if (!from || from->type != to->type) {
      return er_plan_fail(plan, node, EDGERT_MALFORMED, "input %d of subgraph %d must be %s", i,
                          number, er_type_name((int32_t)to->type));
    }
    if (graph->stage == ER_UNPLANNED) adopt_shape(to, from);
    if (!same_shape(to, from)) {
      return er_plan_fail(plan, node, EDGERT_UNSUPPORTED,
                          "subgraph %d is called with two different shapes", number);
    }
  }
  return EDGERT_OK;
}

edgert_status er_plan_call(er_plan *plan, const er_node *node, int32_t number, int32_t first,
                           er_graph **graph) {
  edgert_session *session = plan->session;
  if (number < 0 || number >= session->model->subgraph_count) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED, "it calls subgraph %d, but there are %d",
                        number, session->model->subgraph_count);
  }
  er_graph *called = &session->graphs[number];
  if (called->stage == ER_PLANNING || plan->depth == MOST_DEPTH) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED,
                        "it calls subgraph %d, which calls itself or nests over %d deep", number,
                        MOST_DEPTH);
  }
  if (!called->tensors) ER_TRY(copy_tensors(plan, called));
  ER_TRY(fit_inputs(plan, node, first, called));
  *graph = called;
  if (called->stage == ER_PLANNED) return EDGERT_OK;
  plan->depth++;
  ER_TRY(plan_once(plan, called));
  plan->depth--;
  return EDGERT_OK;
}

static edgert_status plan_main(er_plan *plan) {
  edgert_session *session = plan->session;
  int32_t count = session->model->subgraph_count;
  session->graphs = er_memory_array(&session->memory, (size_t)count, sizeof *session->graphs);
  if (!session->graphs) return er_plan_no_memory(plan);
  for (int32_t i = 0; i < count; i++) session->graphs[i].source = &session->model->subgraphs[i];
  ER_TRY(er_plan_refuse_missing(plan));
  ER_TRY(copy_tensors(plan, &session->graphs[0]));
  return plan_once(plan, &session->graphs[0]);
}

edgert_status er_plan_session(edgert_session *session, er_message *why) {
  er_plan plan = {
      .session = session,
      .why = why,
      .scratch = er_memory_from(&session->memory.allocator, session->memory.quota_bytes),
      .borrowed = er_memory_from(&session->memory.allocator, session->memory.quota_bytes)};
  edgert_status status = plan_main(&plan);
  er_memory_release(&plan.borrowed);
  er_memory_release(&plan.scratch);
  return status;
}
