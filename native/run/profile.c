/* edge-run profile: where the time of a run goes, and how near each operator comes to what the core
 * can do at most. */
#include <stdio.h>
#include <stdlib.h>

#include "run/machine.h"
#include "run/verb.h"

/* The most that the core can do, all threads together. */
typedef struct roof {
  machine_peak peak; /* from a table */
  double hertz;      /* measured */
  int32_t threads;
} roof;

/* Whatever else the machine does only adds to a time, so the least of several is the truest. */
static void keep_least(const edgert_session *session, int64_t *least) {
  edgert_node_info node;
  for (int32_t i = 0; edgert_session_node_info(session, i, &node) == EDGERT_OK; i++) {
    if (node.nanoseconds < least[i]) least[i] = node.nanoseconds;
  }
}

/* @return MACs in a nanosecond, or 0 where the table has no peak for the type */
static double roof_of(const roof *most, edgert_type type) {
  double peak = type == EDGERT_INT8 || type == EDGERT_UINT8 ? most->peak.int8
                : type == EDGERT_FLOAT32                    ? most->peak.float32
                                                            : 0;
  return peak * most->hertz * 1e-9 * most->threads;
}

static void print_row(const edgert_node_info *node, double nanoseconds, double total,
                      const roof *most) {
  printf("%10.1f us %5.1f %%  %-24s %-28s", nanoseconds / 1e3,
         total > 0 ? 100 * nanoseconds / total : 0, node->op, node->kernel);
  if (node->macs && nanoseconds > 0) {
    double rate = (double)node->macs / nanoseconds, limit = roof_of(most, node->type);
    printf(" %12lld MAC %8.3f GMAC/s", (long long)node->macs, rate);
    if (limit > 0) printf(" %5.1f %% of roof", 100 * rate / limit);
  }
  printf(" %10lld bytes  %s\n", (long long)node->bytes, node->output);
}

static void print_roof(const roof *most) {
  printf("roof: %.2f GHz (measured) x %d threads x %g int8 or %g float MAC a cycle (table: %s)\n",
         most->hertz * 1e-9, most->threads, most->peak.int8, most->peak.float32, most->peak.core);
}

/* least: [node count] nanoseconds */
static void report(const arguments *given, const edgert_session *session, const int64_t *least) {
  roof most = {machine_find_peak(used_isa(given)), machine_hertz(), given->threads};
  edgert_node_info node;
  double total = 0;
  int64_t macs = 0;
  int32_t count = edgert_session_node_count(session);
  for (int32_t i = 0; i < count; i++) total += (double)least[i];
  for (int32_t i = 0; edgert_session_node_info(session, i, &node) == EDGERT_OK; i++) {
    print_row(&node, (double)least[i], total, &most);
    macs += node.macs;
  }
  printf("%10.1f us in all, %lld MAC, %.3f GMAC/s; the least of %d runs each\n", total / 1e3,
         (long long)macs, total > 0 ? (double)macs / total : 0, given->runs);
  print_roof(&most);
}

/* least: [node count] */
static int measure(const arguments *given, edgert_session *session, int64_t *least) {
  for (int32_t i = 0; i < edgert_session_node_count(session); i++) least[i] = INT64_MAX;
  fill_inputs(session);
  int code = run_session(given, session);
  for (int32_t i = 0; i < given->runs && code == EXIT_DONE; i++) {
    code = run_session(given, session);
    keep_least(session, least);
  }
  if (code == EXIT_DONE) report(given, session, least);
  return code;
}

int verb_profile(const arguments *given) {
  opened held;
  int code = open_session(given, true, &held);
  if (code == EXIT_DONE) {
    size_t count = (size_t)edgert_session_node_count(held.session) + 1;
    int64_t *least = malloc(count * sizeof *least);
    code = least ? measure(given, held.session, least)
                 : refuse(given->model, EDGERT_OUT_OF_MEMORY, "no memory for the times");
    free(least);
  }
  close_session(&held);
  return code;
}
