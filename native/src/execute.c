/* Running a planned graph; the functions of op.h that a node's run may call. */
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "session.h"

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

edgert_status er_graph_run(edgert_session *session, er_graph *graph) {
  er_run run = {.session = session,
                .tensors = graph->tensors,
                .data = graph->data,
                .kernels = &session->kernels,
                .threads = session->threads};
  for (int32_t i = 0; i < graph->node_count; i++) {
    const er_node *node = &graph->nodes[i];
    run.scratch = graph->scratch[i];
    int64_t start = session->profile ? now() : 0;
    ER_TRY(node->op->run(&run, node));
    /* A loop's body runs often: its times add up. */
    if (session->profile) graph->nanoseconds[i] += now() - start;
  }
  return EDGERT_OK;
}

void er_parallel(const er_run *run, int32_t count, er_work work, void *arg) {
  if (run->threads > 1) {
    er_pool_run(run->session->pool, count, work, arg);
  } else if (count > 0) {
    work(arg, 0, count, 0);
  }
}

edgert_status er_run_fail(const er_run *run, const er_node *node, const char *format, ...) {
  char sentence[EDGERT_ERROR_BYTES];
  va_list values;
  va_start(values, format);
  vsnprintf(sentence, sizeof sentence, format, values);
  va_end(values);
  return er_say(&run->session->error, EDGERT_RUN_TIME, "%s (operator %d of subgraph %d): %s",
                node->op->name, node->index, node->subgraph, sentence);
}
