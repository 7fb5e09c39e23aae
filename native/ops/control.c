/* Variables (VAR_HANDLE, READ_VARIABLE, ASSIGN_VARIABLE) and operators that call subgraphs
 * (CALL_ONCE, IF, WHILE).
 *
 * A resource tensor holds the number of its variable. VAR_HANDLE has no inputs, so the planner
 * folds it, and the operators that take a resource find the number in a constant. */
#include <string.h>

#include "op.h"
#include "plan.h"
#include "schema.h"

enum { MOST_VARIABLES = 1024, MOST_NAME_BYTES = 255, MOST_ROUNDS = 1 << 20 };

static const int32_t resource_types[] = {EDGERT_RESOURCE, -1};
static const int32_t bool_types[] = {EDGERT_BOOL, -1};

/* ---- variables ------------------------------------------------------------------------------- */

static er_variable *find_variable(const er_plan *plan, const char *container, const char *name) {
  for (er_variable *it = plan->session->variables; it; it = it->next) {
    if (strcmp(it->container, container) == 0 && strcmp(it->name, name) == 0) return it;
  }
  return NULL;
}

static edgert_status add_variable(er_plan *plan, const er_node *node, const char *container,
                                  const char *name, er_variable **variable) {
  er_variable *newest = plan->session->variables;
  int32_t number = newest ? newest->number + 1 : 0;
  if (number == MOST_VARIABLES || strlen(name) > MOST_NAME_BYTES ||
      strlen(container) > MOST_NAME_BYTES) {
    return er_plan_fail(plan, node, EDGERT_UNSUPPORTED,
                        "a model may have %d variables with names of up to %d bytes",
                        MOST_VARIABLES, MOST_NAME_BYTES);
  }
  *variable = er_plan_alloc(plan, sizeof **variable);
  if (!*variable) return er_plan_no_memory(plan);
  **variable =
      (er_variable){.next = newest, .number = number, .container = container, .name = name};
  plan->session->variables = *variable;
  return EDGERT_OK;
}

static edgert_status prepare_var_handle(er_plan *plan, er_node *node) {
  ER_TRY(er_plan_want_counts(plan, node, 0, 0, 1));
  ER_TRY(er_plan_want_type(plan, node, er_plan_output(plan, node, 0), resource_types));
  const char *container = er_string(node->options, 0);
  const char *name = er_string(node->options, 1);
  er_variable *variable = find_variable(plan, container, name);
  if (!variable) ER_TRY(add_variable(plan, node, container, name, &variable));
  node->data = variable;
  return er_plan_set_shape(plan, node, 0, 0, NULL);
}

static edgert_status run_var_handle(const er_run *run, const er_node *node) {
  const er_variable *variable = node->data;
  memcpy(er_out_data(run, node, 0), &variable->number, sizeof variable->number);
  return EDGERT_OK;
}

/* The variable that input 0 names. */
static edgert_status resolve(er_plan *plan, const er_node *node, er_variable **variable) {
  const er_tensor *handle = er_plan_input(plan, node, 0);
  ER_TRY(er_plan_want_type(plan, node, handle, resource_types));
  int32_t number = -1;
  if (handle->constant) memcpy(&number, handle->constant, sizeof number);
  er_variable *it = plan->session->variables;
  while (it && it->number != number) it = it->next;
  if (!it) {
    return er_plan_fail(plan, node, EDGERT_UNSUPPORTED,
                        "its resource must come straight from VAR_HANDLE");
  }
  *variable = it;
  return EDGERT_OK;
}

/* The first operator that reads or assigns a variable fixes its type and shape. */
static edgert_status fit(er_plan *plan, const er_node *node, er_variable *variable,
                         const er_tensor *value) {
  const er_tensor *shape = &variable->shape;
  if (!variable->data) {
    ER_TRY(er_plan_storable(plan, value));
    variable->shape = *value;
    variable->data = er_plan_state(plan, value->bytes, 0);
    return variable->data ? EDGERT_OK : er_plan_no_memory(plan);
  }
  if (value->type != shape->type || value->rank != shape->rank ||
      memcmp(value->dims, shape->dims, (size_t)shape->rank * sizeof *shape->dims) != 0) {
    return er_plan_fail(plan, node, EDGERT_UNSUPPORTED,
                        "variable \"%.80s\" changes its type or shape", variable->name);
  }
  return EDGERT_OK;
}

static edgert_status prepare_read_variable(er_plan *plan, er_node *node) {
  er_variable *variable = NULL;
  ER_TRY(er_plan_want_counts(plan, node, 1, 1, 1));
  ER_TRY(resolve(plan, node, &variable));
  const er_tensor *output = er_plan_output(plan, node, 0);
  if (!variable->data) ER_TRY(fit(plan, node, variable, output));
  const er_tensor *shape = &variable->shape;
  ER_TRY(er_plan_set_shape(plan, node, 0, shape->rank, shape->dims));
  node->data = variable;
  return fit(plan, node, variable, output);
}

static edgert_status run_read_variable(const er_run *run, const er_node *node) {
  const er_variable *variable = node->data;
  memcpy(er_out_data(run, node, 0), variable->data, variable->shape.bytes);
  return EDGERT_OK;
}

static edgert_status prepare_assign_variable(er_plan *plan, er_node *node) {
  er_variable *variable = NULL;
  ER_TRY(er_plan_want_counts(plan, node, 2, 2, 0));
  ER_TRY(resolve(plan, node, &variable));
  node->data = variable;
  return fit(plan, node, variable, er_plan_input(plan, node, 1));
}

static edgert_status run_assign_variable(const er_run *run, const er_node *node) {
  er_variable *variable = node->data;
  memcpy(variable->data, er_in_data(run, node, 1), variable->shape.bytes);
  return EDGERT_OK;
}

/* ---- values that go to and from a subgraph --------------------------------------------------- */

static edgert_status copy_results(er_plan *plan, const er_node *node, const er_graph *graph) {
  er_indices outputs = graph->source->outputs;
  if (outputs.count != node->output_count) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED,
                        "the subgraph returns %d values for its %d outputs", outputs.count,
                        node->output_count);
  }
  for (int32_t i = 0; i < outputs.count; i++) {
    const er_tensor *result = &graph->tensors[outputs.at[i]];
    const int32_t type[] = {(int32_t)result->type, -1};
    ER_TRY(er_plan_want_type(plan, node, er_plan_output(plan, node, i), type));
    ER_TRY(er_plan_set_shape(plan, node, i, result->rank, result->dims));
  }
  return EDGERT_OK;
}

static void copy_in(const er_run *run, const er_graph *graph, const int32_t *tensors) {
  er_indices inputs = graph->source->inputs;
  for (int32_t i = 0; i < inputs.count; i++) {
    memcpy(graph->data[inputs.at[i]], run->data[tensors[i]], graph->tensors[inputs.at[i]].bytes);
  }
}

static void copy_out(const er_run *run, const er_node *node, const er_graph *graph) {
  er_indices outputs = graph->source->outputs;
  for (int32_t i = 0; i < outputs.count; i++) {
    memcpy(er_out_data(run, node, i), graph->data[outputs.at[i]],
           graph->tensors[outputs.at[i]].bytes);
  }
}

static bool is_true(const void *data) {
  uint8_t value;
  memcpy(&value, data, sizeof value);
  return value != 0;
}

/* ---- CALL_ONCE ------------------------------------------------------------------------------- */

static edgert_status prepare_call_once(er_plan *plan, er_node *node) {
  ER_TRY(er_plan_want_counts(plan, node, 0, 0, 0));
  er_graph *graph;
  ER_TRY(er_plan_call(plan, node, er_i32(node->options, 0, 0), 0, &graph));
  node->data = graph;
  return EDGERT_OK;
}

static edgert_status run_call_once(const er_run *run, const er_node *node) {
  er_graph *graph = node->data;
  if (graph->called) return EDGERT_OK;
  graph->called = true;
  return er_graph_run(run->session, graph);
}

/* ---- IF -------------------------------------------------------------------------------------- */

typedef struct branches {
  er_graph *no, *yes;
} branches;

static edgert_status prepare_if(er_plan *plan, er_node *node) {
  ER_TRY(er_plan_want_counts(plan, node, 1, INT32_MAX, node->output_count));
  ER_TRY(er_plan_want_type(plan, node, er_plan_input(plan, node, 0), bool_types));
  branches *data = node->data = er_plan_alloc(plan, sizeof *data);
  if (!data) return er_plan_no_memory(plan);
  ER_TRY(er_plan_call(plan, node, er_i32(node->options, 0, 0), 1, &data->yes));
  ER_TRY(er_plan_call(plan, node, er_i32(node->options, 1, 0), 1, &data->no));
  ER_TRY(copy_results(plan, node, data->yes));
  er_indices outputs = data->no->source->outputs;
  for (int32_t i = 0; i < outputs.count && i < node->output_count; i++) {
    const er_tensor *no = &data->no->tensors[outputs.at[i]];
    const er_tensor *yes = er_plan_output(plan, node, i);
    if (no->rank != yes->rank ||
        memcmp(no->dims, yes->dims, sizeof no->dims[0] * (size_t)no->rank)) {
      return er_plan_fail(plan, node, EDGERT_UNSUPPORTED,
                          "result %d has another shape in each branch", i);
    }
  }
  return copy_results(plan, node, data->no);
}

static edgert_status run_if(const er_run *run, const er_node *node) {
  const branches *data = node->data;
  er_graph *graph = is_true(er_in_data(run, node, 0)) ? data->yes : data->no;
  copy_in(run, graph, node->inputs + 1);
  ER_TRY(er_graph_run(run->session, graph));
  copy_out(run, node, graph);
  return EDGERT_OK;
}

/* ---- WHILE ----------------------------------------------------------------------------------- */

typedef struct loop {
  er_graph *condition, *body;
} loop;

/* The state of the loop lives in the node's outputs; both subgraphs take it and the body returns
 * it. */
static edgert_status check_loop(er_plan *plan, const er_node *node, const loop *data) {
  er_indices verdict = data->condition->source->outputs;
  if (verdict.count != 1 || data->condition->tensors[verdict.at[0]].type != EDGERT_BOOL) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED, "its condition must return one BOOL");
  }
  for (int32_t i = 0; i < node->output_count; i++) {
    const er_tensor *before = er_plan_input(plan, node, i);
    const er_tensor *after = er_plan_output(plan, node, i);
    if (before->type != after->type || before->bytes != after->bytes) {
      return er_plan_fail(plan, node, EDGERT_UNSUPPORTED,
                          "value %d changes its type or size in the loop", i);
    }
  }
  return EDGERT_OK;
}

static edgert_status prepare_while(er_plan *plan, er_node *node) {
  ER_TRY(er_plan_want_counts(plan, node, 1, INT32_MAX, node->input_count));
  loop *data = node->data = er_plan_alloc(plan, sizeof *data);
  if (!data) return er_plan_no_memory(plan);
  ER_TRY(er_plan_call(plan, node, er_i32(node->options, 0, 0), 0, &data->condition));
  ER_TRY(er_plan_call(plan, node, er_i32(node->options, 1, 0), 0, &data->body));
  ER_TRY(copy_results(plan, node, data->body));
  return check_loop(plan, node, data);
}

static edgert_status run_while(const er_run *run, const er_node *node) {
  const loop *data = node->data;
  const void *verdict = data->condition->data[data->condition->source->outputs.at[0]];
  for (int32_t i = 0; i < node->input_count; i++) {
    memcpy(er_out_data(run, node, i), er_in_data(run, node, i), er_out(run, node, i)->bytes);
  }
  for (int32_t round = 0; round < MOST_ROUNDS; round++) {
    copy_in(run, data->condition, node->outputs);
    ER_TRY(er_graph_run(run->session, data->condition));
    if (!is_true(verdict)) return EDGERT_OK;
    copy_in(run, data->body, node->outputs);
    ER_TRY(er_graph_run(run->session, data->body));
    copy_out(run, node, data->body);
  }
  return er_run_fail(run, node, "the loop did not end after %d rounds", MOST_ROUNDS);
}

/* ---- rows ------------------------------------------------------------------------------------ */

const er_op er_op_assign_variable = {.builtin = 144,
                                     .name = "ASSIGN_VARIABLE",
                                     .prepare = prepare_assign_variable,
                                     .run = run_assign_variable,
                                     .effect = true};
const er_op er_op_call_once = {.builtin = 129,
                               .name = "CALL_ONCE",
                               .prepare = prepare_call_once,
                               .run = run_call_once,
                               .effect = true};
const er_op er_op_if = {
    .builtin = 118, .name = "IF", .prepare = prepare_if, .run = run_if, .effect = true};
const er_op er_op_read_variable = {.builtin = 143,
                                   .name = "READ_VARIABLE",
                                   .prepare = prepare_read_variable,
                                   .run = run_read_variable,
                                   .effect = true};
const er_op er_op_var_handle = {
    .builtin = 142, .name = "VAR_HANDLE", .prepare = prepare_var_handle, .run = run_var_handle};
const er_op er_op_while = {
    .builtin = 119, .name = "WHILE", .prepare = prepare_while, .run = run_while, .effect = true};
