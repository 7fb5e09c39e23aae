/* What an operator's prepare may ask of the planner: the functions of op.h. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "plan.h"
#include "schema.h"

static er_graph *graph_of(const er_plan *plan, const er_node *node) {
  return &plan->session->graphs[node->subgraph];
}

const er_tensor *er_plan_input(const er_plan *plan, const er_node *node, int32_t i) {
  if (i < 0 || i >= node->input_count || node->inputs[i] < 0) return NULL;
  return &graph_of(plan, node)->tensors[node->inputs[i]];
}

const er_tensor *er_plan_output(const er_plan *plan, const er_node *node, int32_t i) {
  if (i < 0 || i >= node->output_count) return NULL;
  return &graph_of(plan, node)->tensors[node->outputs[i]];
}

const er_tensor *er_plan_tensor(const er_plan *plan, const er_node *node, int32_t number) {
  return &graph_of(plan, node)->tensors[number];
}

const er_tensor *er_plan_intermediate(const er_plan *plan, const er_node *node, int32_t i) {
  if (i < 0 || i >= node->intermediate_count || node->intermediates[i] < 0) return NULL;
  return &graph_of(plan, node)->tensors[node->intermediates[i]];
}

int32_t er_plan_threads(const er_plan *plan) { return plan->session->threads; }

/* ---- refusals -------------------------------------------------------------------------------- */

edgert_status er_plan_fail(er_plan *plan, const er_node *node, edgert_status status,
                           const char *format, ...) {
  char sentence[EDGERT_ERROR_BYTES];
  va_list values;
  va_start(values, format);
  vsnprintf(sentence, sizeof sentence, format, values);
  va_end(values);
  const er_tensor *output = er_plan_output(plan, node, 0);
  return er_say(plan->why, status, "%s (operator %d of subgraph %d, output \"%.80s\"): %s",
                node->op->name, node->index, node->subgraph, output ? output->name : "", sentence);
}

edgert_status er_plan_no_memory(er_plan *plan) {
  const er_memory *memory = &plan->session->memory;
  if (er_memory_status(memory) == EDGERT_QUOTA) {
    return er_say(plan->why, EDGERT_QUOTA,
                  "the model needs more memory than the quota of %zu bytes; %zu are in use",
                  memory->quota_bytes, memory->held_bytes);
  }
  return er_say(plan->why, EDGERT_OUT_OF_MEMORY,
                "no memory to plan the model; %zu bytes are in use", memory->held_bytes);
}

edgert_status er_plan_want_counts(er_plan *plan, const er_node *node, int32_t min_inputs,
                                  int32_t max_inputs, int32_t outputs) {
  if (node->input_count < min_inputs || node->input_count > max_inputs) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED, "it has %d inputs; %d to %d are allowed",
                        node->input_count, min_inputs, max_inputs);
  }
  for (int32_t i = 0; i < min_inputs; i++) {
    if (node->inputs[i] < 0) {
      return er_plan_fail(plan, node, EDGERT_MALFORMED, "input %d is left out but required", i);
    }
  }
  if (node->output_count != outputs) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED, "it has %d outputs; it must have %d",
                        node->output_count, outputs);
  }
  return EDGERT_OK;
}

static edgert_status refuse_type(er_plan *plan, const er_node *node, const er_tensor *tensor,
                                 const int32_t *types) {
  char allowed[256] = "";
  size_t used = 0;
  for (; *types >= 0 && used < sizeof allowed; types++) {
    used += (size_t)snprintf(allowed + used, sizeof allowed - used, "%s%s", used ? ", " : "",
                             er_type_name(*types));
  }
  return er_plan_fail(plan, node, EDGERT_UNSUPPORTED,
                      "tensor \"%.80s\" is %s; this library takes %s here", tensor->name,
                      er_type_name((int32_t)tensor->type), allowed);
}

edgert_status er_plan_want_type(er_plan *plan, const er_node *node, const er_tensor *tensor,
                                const int32_t *types) {
  if (!tensor) return er_plan_fail(plan, node, EDGERT_MALFORMED, "a required input is left out");
  for (const int32_t *type = types; *type >= 0; type++) {
    if ((int32_t)tensor->type == *type) return EDGERT_OK;
  }
  return refuse_type(plan, node, tensor, types);
}

/* ---- shapes ---------------------------------------------------------------------------------- */

edgert_status er_plan_storable(er_plan *plan, const er_tensor *tensor) {
  if (er_type_bits((int32_t)tensor->type) == 0) {
    return er_say(plan->why, EDGERT_UNSUPPORTED,
                  "tensor \"%.80s\" is %s (type %d), which this library cannot hold", tensor->name,
                  er_type_name((int32_t)tensor->type), (int)tensor->type);
  }
  if (tensor->count == 0) {
    return er_say(plan->why, EDGERT_UNSUPPORTED,
                  "tensor \"%.80s\" is empty; each of its dimensions must be at least 1",
                  tensor->name);
  }
  return EDGERT_OK;
}

static edgert_status count_elements(er_plan *plan, const er_node *node, int32_t rank,
                                    const int32_t *dims, int64_t *count) {
  if (rank < 0 || rank > EDGERT_MAX_RANK) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED,
                        "its output has rank %d; at most %d is allowed", rank, EDGERT_MAX_RANK);
  }
  *count = 1;
  for (int32_t i = 0; i < rank; i++) {
    if (dims[i] < 1) {
      return er_plan_fail(plan, node, EDGERT_MALFORMED,
                          "dimension %d of its output is %d; it must be at least 1", i, dims[i]);
    }
    *count *= dims[i];
    if (*count > INT32_MAX) {
      return er_plan_fail(plan, node, EDGERT_MALFORMED, "its output has over 2^31 elements");
    }
  }
  return EDGERT_OK;
}

edgert_status er_plan_set_shape(er_plan *plan, const er_node *node, int32_t i, int32_t rank,
                                const int32_t *dims) {
  er_tensor *tensor = &graph_of(plan, node)->tensors[node->outputs[i]];
  int64_t count = 1;
  ER_TRY(count_elements(plan, node, rank, dims, &count));
  const er_quant *quant = &tensor->quant;
  if (quant->count > 1 && (quant->axis >= rank || dims[quant->axis] != quant->count)) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED,
                        "its output is quantized by %d channels that its shape does not have",
                        quant->count);
  }
  uint64_t bytes = ((uint64_t)count * (uint64_t)er_type_bits((int32_t)tensor->type) + 7) / 8;
  if (bytes > SIZE_MAX / 4) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED, "its output is larger than can be addressed");
  }
  for (int32_t d = 0; d < rank; d++) tensor->dims[d] = dims[d];
  tensor->rank = rank;
  tensor->count = count;
  tensor->bytes = (size_t)bytes;
  return EDGERT_OK;
}

/* ---- memory ---------------------------------------------------------------------------------- */

void *er_plan_alloc(er_plan *plan, size_t bytes) {
  return er_memory_take(&plan->session->memory, bytes);
}

void *er_plan_borrow(er_plan *plan, size_t bytes) {
  void *memory = er_memory_take(&plan->borrowed, bytes);
  /* er_plan_no_memory tells what the session's own memory met. */
  if (!memory) plan->session->memory.over_quota = plan->borrowed.over_quota;
  return memory;
}

const er_kernels *er_plan_kernels(const er_plan *plan) { return &plan->session->kernels; }

void *er_plan_state(er_plan *plan, size_t bytes, uint8_t start) {
  edgert_session *session = plan->session;
  er_state *state = er_memory_take(&session->memory, sizeof *state);
  void *data = er_memory_take(&session->memory, bytes);
  if (!state || !data) return NULL;
  *state = (er_state){.next = session->states, .data = data, .bytes = bytes, .start = start};
  memset(data, start, bytes);
  session->states = state;
  return data;
}
