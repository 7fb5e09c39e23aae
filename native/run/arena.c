/* What `info --arena-report` shows: which tensor lies where in the arena, and for how long. */
#include <stdio.h>
#include <stdlib.h>

#include "run/verb.h"
#include "session.h"
#include "sort.h"

typedef struct tenant {
  int32_t tensor;
  int32_t first, last; /* operators that write it first and touch it last; -1: the caller */
  const char *data;
} tenant;

/* In the order of addresses, those at one address in the order of time. */
static int by_place(const void *left, const void *right) {
  const tenant *a = left, *b = right;
  if (a->data != b->data) return a->data < b->data ? -1 : 1;
  return (a->first > b->first) - (a->first < b->first);
}

/* tenants: [tensors of the graph], by tensor number */
static void touch(tenant *tenants, const int32_t *tensors, int32_t count, int32_t step) {
  for (int32_t i = 0; i < count; i++) {
    if (tensors[i] < 0) continue;
    tenant *one = &tenants[tensors[i]];
    if (one->tensor < 0) *one = (tenant){.tensor = tensors[i], .first = step};
    one->last = step;
  }
}

/* Constants and variables lie elsewhere. @return how many are left, in the order of `by_place` */
static int32_t sort(const er_graph *graph, tenant *tenants) {
  int32_t kept = 0;
  for (int32_t i = 0; i < graph->source->tensor_count; i++) {
    const er_tensor *tensor = &graph->tensors[i];
    if (tenants[i].tensor < 0 || tensor->constant || tensor->variable || !graph->data[i]) continue;
    tenants[kept] = tenants[i];
    tenants[kept++].data = graph->data[i];
  }
  er_sort(tenants, (size_t)kept, sizeof *tenants, by_place);
  return kept;
}

static void print_graph(const er_graph *graph, tenant *tenants) {
  for (int32_t i = 0; i < graph->source->tensor_count; i++) tenants[i].tensor = -1;
  touch(tenants, graph->source->inputs.at, graph->source->inputs.count, -1);
  for (int32_t i = 0; i < graph->node_count; i++) {
    const er_node *node = &graph->nodes[i];
    touch(tenants, node->inputs, node->input_count, i);
    touch(tenants, node->outputs, node->output_count, i);
  }
  int32_t count = sort(graph, tenants);
  printf("subgraph \"%s\": offset, bytes, operators from and to (-1: the caller), tensor\n",
         graph->source->name);
  for (int32_t i = 0; i < count; i++) {
    const tenant *one = &tenants[i];
    const er_tensor *tensor = &graph->tensors[one->tensor];
    printf("%10lld %10zu  %4d %4d  %s\n", (long long)(one->data - tenants[0].data), tensor->bytes,
           one->first, one->last, tensor->name);
  }
}

int print_arena(const arguments *given, const edgert_session *session) {
  for (int32_t i = 0; i < session->model->subgraph_count; i++) {
    const er_graph *graph = &session->graphs[i];
    if (graph->stage != ER_PLANNED) continue;
    tenant *tenants = malloc((size_t)(graph->source->tensor_count + 1) * sizeof *tenants);
    if (!tenants) return refuse(given->model, EDGERT_OUT_OF_MEMORY, "no memory for the report");
    print_graph(graph, tenants);
    free(tenants);
  }
  printf("arena %zu bytes\n", edgert_session_arena_bytes(session));
  return EXIT_DONE;
}
