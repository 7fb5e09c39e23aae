/* edge-run info: what a model is and how it would run. A model that cannot run here is still
 * listed, from its file. */
#include <stdio.h>

#include "model.h"
#include "op.h"
#include "run/verb.h"
#include "schema.h"

static void print_end(const char *which, int32_t index, const edgert_tensor_info *info) {
  printf("%s %d  %s  ", which, index, info->name);
  print_shape(info->type, info->rank, info->dims);
  if (info->quantized) printf("  scale %g  zero point %d", (double)info->scale, info->zero_point);
  printf("\n");
}

static void print_ends(const edgert_session *session) {
  edgert_tensor_info info;
  for (int32_t i = 0; edgert_session_input_info(session, i, &info) == EDGERT_OK; i++) {
    print_end("input", i, &info);
  }
  for (int32_t i = 0; edgert_session_output_info(session, i, &info) == EDGERT_OK; i++) {
    print_end("output", i, &info);
  }
}

static void print_nodes(const edgert_session *session) {
  edgert_node_info node;
  int64_t macs = 0;
  for (int32_t i = 0; edgert_session_node_info(session, i, &node) == EDGERT_OK; i++) {
    printf("%4d  %-24s %-28s %12lld MAC  ", i, node.op, node.kernel, (long long)node.macs);
    if (*node.output) print_shape(node.type, node.rank, node.dims);
    printf("  %s\n", node.output);
    macs += node.macs;
  }
  printf("%lld MAC, arena %zu bytes, %zu bytes in all\n", (long long)macs,
         edgert_session_arena_bytes(session), edgert_session_total_bytes(session));
}

static void print_operator(int32_t index, const er_subgraph *subgraph) {
  const er_operator *op = &subgraph->operators[index];
  const char *name = er_builtin_name(op->builtin);
  printf("%4d  %-24s %-8s", index,
         *op->custom ? op->custom
         : name      ? name
                     : "unknown",
         er_find_op(op->builtin) ? "" : "MISSING");
  for (int32_t i = 0; i < op->outputs.count; i++) {
    const er_tensor *tensor = &subgraph->tensors[op->outputs.at[i]];
    printf("  ");
    print_shape(tensor->type, tensor->rank, tensor->dims);
  }
  printf("\n");
}

static void print_file(const edgert_model *model) {
  for (int32_t i = 0; i < model->subgraph_count; i++) {
    const er_subgraph *subgraph = &model->subgraphs[i];
    printf("subgraph %d \"%s\": %d tensors, %d operators\n", i, subgraph->name,
           subgraph->tensor_count, subgraph->operator_count);
    for (int32_t k = 0; k < subgraph->operator_count; k++) print_operator(k, subgraph);
  }
}

int verb_info(const arguments *given) {
  opened held;
  int code = open_session(given, false, &held);
  if (held.session) {
    print_ends(held.session);
    print_nodes(held.session);
    if (given->arena_report) code = print_arena(given, held.session);
  } else if (held.model) {
    print_file(held.model);
  }
  close_session(&held);
  return code;
}
