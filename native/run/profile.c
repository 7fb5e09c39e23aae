/* edge-run profile: where the time of a run goes. */
#include <stdio.h>
#include <stdlib.h>

#include "run/verb.h"

static void add_times(const edgert_session *session, int64_t *sums) {
  edgert_node_info node;
  for (int32_t i = 0; edgert_session_node_info(session, i, &node) == EDGERT_OK; i++) {
    sums[i] += node.nanoseconds;
  }
}

static void print_row(const edgert_node_info *node, double nanoseconds, double total) {
  printf("%10.1f us %5.1f %%  %-24s %-28s", nanoseconds / 1e3,
         total > 0 ? 100 * nanoseconds / total : 0, node->op, node->kernel);
  if (node->macs) {
    double rate = nanoseconds > 0 ? (double)node->macs / nanoseconds : 0;
    printf(" %12lld MAC %8.3f GMAC/s", (long long)node->macs, rate);
  }
  printf("  %s\n", node->output);
}

static void report(const edgert_session *session, const int64_t *sums, int32_t runs) {
  edgert_node_info node;
  double total = 0;
  int64_t macs = 0;
  int32_t count = edgert_session_node_count(session);
  for (int32_t i = 0; i < count; i++) total += (double)sums[i] / runs;
  for (int32_t i = 0; edgert_session_node_info(session, i, &node) == EDGERT_OK; i++) {
    print_row(&node, (double)sums[i] / runs, total);
    macs += node.macs;
  }
  printf("%10.1f us in all, %lld MAC, %.3f GMAC/s; means of %d runs\n", total / 1e3,
         (long long)macs, total > 0 ? (double)macs / total : 0, runs);
}

/* sums: [node count] */
static int measure(const arguments *given, edgert_session *session, int64_t *sums) {
  fill_inputs(session);
  for (int32_t i = -1; i < given->runs; i++) {
    edgert_status status = edgert_session_run(session);
    if (status != EDGERT_OK) return refuse(given->model, status, edgert_session_error(session));
    if (i >= 0) add_times(session, sums);
  }
  report(session, sums, given->runs);
  return EXIT_DONE;
}

int verb_profile(const arguments *given) {
  opened held;
  int code = open_session(given, true, &held);
  if (code == EXIT_DONE) {
    size_t count = (size_t)edgert_session_node_count(held.session) + 1;
    int64_t *sums = calloc(count, sizeof *sums);
    code = sums ? measure(given, held.session, sums)
                : refuse(given->model, EDGERT_OUT_OF_MEMORY, "no memory for the times");
    free(sums);
  }
  close_session(&held);
  return code;
}
