/* The public interface of a session. */
#include "session.h"

#include <stdio.h>
#include <string.h>

/* ---- making ---------------------------------------------------------------------------------- */

static edgert_status read_options(const edgert_session_options *given,
                                  edgert_session_options *options, er_message *why) {
  *options = (edgert_session_options){.size = sizeof *options};
  if (given && given->size < sizeof given->size) {
    return er_say(why, EDGERT_INVALID_ARGUMENT,
                  "edgert_session_options.size is %zu: set it to sizeof(edgert_session_options)",
                  given->size);
  }
  if (given) memcpy(options, given, given->size < sizeof *options ? given->size : sizeof *options);
  if (options->threads < 0 || options->threads > 64) {
    return er_say(why, EDGERT_INVALID_ARGUMENT, "threads is %d; 1 to 64 are allowed, 0 means 1",
                  options->threads);
  }
  if (options->threads == 0) options->threads = 1;
  return EDGERT_OK;
}

static edgert_status choose_kernels(const char *isa, er_kernels *kernels, er_message *why) {
  if (er_kernels_for(isa, kernels)) return EDGERT_OK;
  char known[256] = "";
  size_t used = 0;
  const char *name;
  for (int32_t i = 0; (name = er_kernels_isa(i)) != NULL && used < sizeof known; i++) {
    used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", name);
  }
  return er_say(why, EDGERT_INVALID_ARGUMENT, "there are no kernels \"%.80s\"; this machine has %s",
                isa, known);
}

static edgert_status no_memory(const er_memory *memory, er_message *why, const char *purpose) {
  if (er_memory_status(memory) == EDGERT_QUOTA) {
    return er_say(why, EDGERT_QUOTA, "the quota of %zu bytes is too small for %s",
                  memory->quota_bytes, purpose);
  }
  return er_say(why, EDGERT_OUT_OF_MEMORY, "no memory for %s", purpose);
}

static edgert_status build(edgert_session *session, er_message *why) {
  ER_TRY(er_plan_session(session, why));
  if (session->threads == 1) return EDGERT_OK;
  session->pool = er_pool_start(&session->memory, session->threads);
  return session->pool ? EDGERT_OK : no_memory(&session->memory, why, "the threads");
}

static edgert_status create(const edgert_model *model, const edgert_session_options *given,
                            edgert_session **session, er_message *why) {
  edgert_session_options options;
  ER_TRY(read_options(given, &options, why));
  er_memory memory = er_memory_from(options.allocator, options.quota_bytes);
  edgert_session *fresh = er_memory_take(&memory, sizeof *fresh);
  if (!fresh) return no_memory(&memory, why, "a session");
  fresh->model = model;
  fresh->memory = memory;
  fresh->file = (er_buffer){.data = model->file.data, .bytes = model->file.bytes};
  fresh->threads = options.threads;
  fresh->profile = options.profile != 0;
  fresh->unfused = options.unfused != 0;
  edgert_status status = choose_kernels(options.kernels, &fresh->kernels, why);
  if (status == EDGERT_OK) status = build(fresh, why);
  if (status == EDGERT_OK) {
    *session = fresh;
  } else {
    edgert_session_destroy(fresh);
  }
  return status;
}

edgert_status edgert_session_create(const edgert_model *model,
                                    const edgert_session_options *options, edgert_session **session,
                                    char *error, size_t error_bytes) {
  er_message why = {{0}};
  edgert_status status = model && session ? create(model, options, session, &why)
                                          : er_say(&why, EDGERT_INVALID_ARGUMENT,
                                                   "model and session must not be NULL");
  er_hand_over(&why, error, error_bytes);
  return status;
}

void edgert_session_destroy(edgert_session *session) {
  if (!session) return;
  er_pool_stop(session->pool);
  er_memory memory = session->memory; /* holds the session itself */
  er_memory_release(&memory);
}

/* ---- inputs and outputs ---------------------------------------------------------------------- */

static const er_graph *main_graph(const edgert_session *session) { return &session->graphs[0]; }

static er_indices inputs_of(const edgert_session *session) {
  return main_graph(session)->source->inputs;
}

static er_indices outputs_of(const edgert_session *session) {
  return main_graph(session)->source->outputs;
}

int32_t edgert_session_input_count(const edgert_session *session) {
  return inputs_of(session).count;
}

int32_t edgert_session_output_count(const edgert_session *session) {
  return outputs_of(session).count;
}

static edgert_tensor_info describe(const er_tensor *tensor) {
  const er_quant *quant = &tensor->quant;
  edgert_tensor_info info = {.name = tensor->name,
                             .type = tensor->type,
                             .rank = tensor->rank,
                             .bytes = tensor->bytes,
                             .quantized = quant->count == 1,
                             .scale = quant->count ? quant->scale[0] : 0,
                             .zero_point = quant->count ? quant->zero_point[0] : 0};
  memcpy(info.dims, tensor->dims, sizeof info.dims);
  return info;
}

static bool within(er_indices ends, int32_t index) { return index >= 0 && index < ends.count; }

static edgert_status tensor_info(const edgert_session *session, er_indices ends, int32_t index,
                                 edgert_tensor_info *info) {
  if (!info || !within(ends, index)) return EDGERT_INVALID_ARGUMENT;
  *info = describe(&main_graph(session)->tensors[ends.at[index]]);
  return EDGERT_OK;
}

edgert_status edgert_session_input_info(const edgert_session *session, int32_t index,
                                        edgert_tensor_info *info) {
  return tensor_info(session, inputs_of(session), index, info);
}

edgert_status edgert_session_output_info(const edgert_session *session, int32_t index,
                                         edgert_tensor_info *info) {
  return tensor_info(session, outputs_of(session), index, info);
}

void *edgert_session_input(edgert_session *session, int32_t index) {
  er_indices inputs = inputs_of(session);
  return within(inputs, index) ? main_graph(session)->data[inputs.at[index]] : NULL;
}

const void *edgert_session_output(const edgert_session *session, int32_t index) {
  er_indices outputs = outputs_of(session);
  return within(outputs, index) ? main_graph(session)->data[outputs.at[index]] : NULL;
}

/* ---- running --------------------------------------------------------------------------------- */

static void forget_times(const edgert_session *session) {
  for (int32_t i = 0; i < session->model->subgraph_count; i++) {
    er_graph *graph = &session->graphs[i];
    for (int32_t k = 0; k < graph->node_count; k++) graph->nanoseconds[k] = 0;
  }
}

edgert_status edgert_session_run(edgert_session *session) {
  if (session->profile) forget_times(session);
  return er_graph_run(session, &session->graphs[0]);
}

void edgert_session_reset(edgert_session *session) {
  for (er_state *state = session->states; state; state = state->next) {
    memset(state->data, state->start, state->bytes);
  }
  for (int32_t i = 0; i < session->model->subgraph_count; i++) session->graphs[i].called = false;
}

const char *edgert_session_error(const edgert_session *session) { return session->error.text; }

/* ---- questions ------------------------------------------------------------------------------- */

size_t edgert_session_arena_bytes(const edgert_session *session) { return session->arena_bytes; }

size_t edgert_session_total_bytes(const edgert_session *session) {
  return session->memory.held_bytes;
}

int32_t edgert_session_node_count(const edgert_session *session) {
  int32_t count = 0;
  for (int32_t i = 0; i < session->model->subgraph_count; i++) {
    count += session->graphs[i].node_count;
  }
  return count;
}

static int64_t bytes_of(const er_graph *graph, const int32_t *tensors, int32_t count) {
  int64_t bytes = 0;
  for (int32_t i = 0; i < count; i++) {
    if (tensors[i] >= 0) bytes += (int64_t)graph->tensors[tensors[i]].bytes;
  }
  return bytes;
}

static edgert_node_info describe_node(const er_graph *graph, int32_t index) {
  const er_node *node = &graph->nodes[index];
  edgert_node_info info = {.op = node->op->name,
                           .kernel = node->kernel ? node->kernel : "generic",
                           .output = "",
                           .macs = node->macs,
                           .bytes = bytes_of(graph, node->inputs, node->input_count) +
                                    bytes_of(graph, node->outputs, node->output_count),
                           .nanoseconds = graph->nanoseconds[index]};
  if (node->output_count == 0) return info;
  const er_tensor *output = &graph->tensors[node->outputs[0]];
  info.output = output->name;
  info.type = output->type;
  info.rank = output->rank;
  memcpy(info.dims, output->dims, sizeof info.dims);
  return info;
}

edgert_status edgert_session_node_info(const edgert_session *session, int32_t index,
                                       edgert_node_info *info) {
  if (!info || index < 0) return EDGERT_INVALID_ARGUMENT;
  for (int32_t i = 0; i < session->model->subgraph_count; i++) {
    const er_graph *graph = &session->graphs[i];
    if (index < graph->node_count) {
      *info = describe_node(graph, index);
      return EDGERT_OK;
    }
    index -= graph->node_count;
  }
  return EDGERT_INVALID_ARGUMENT;
}
