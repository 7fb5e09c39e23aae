/* edge-run bench: how long whole runs take. */
#include <stdio.h>
#include <stdlib.h>

#include "run/mark.h"
#include "run/verb.h"

static int by_value(const void *left, const void *right) {
  int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
  return (a > b) - (a < b);
}

/* times: [count], sorted; in nanoseconds. @return milliseconds */
static double percentile(const int64_t *times, int32_t count, int32_t percent) {
  int64_t index = ((int64_t)count * percent + 99) / 100 - 1;
  return (double)times[index < 0 ? 0 : index] / 1e6;
}

static void report(const arguments *given, const edgert_session *session, const int64_t *times) {
  const char *format = given->json
                           ? "{\"min_ms\": %.6f, \"p50_ms\": %.6f, \"p90_ms\": %.6f, \"p99_ms\": "
                             "%.6f, \"runs\": %d, "
                             "\"threads\": %d, \"arena_bytes\": %zu, \"total_bytes\": %zu}\n"
                           : "min %.3f ms, p50 %.3f, p90 %.3f, p99 %.3f over %d runs on %d "
                             "threads, arena %zu bytes, "
                             "%zu in all\n";
  printf(format, percentile(times, given->runs, 0), percentile(times, given->runs, 50),
         percentile(times, given->runs, 90), percentile(times, given->runs, 99), given->runs,
         given->threads, edgert_session_arena_bytes(session), edgert_session_total_bytes(session));
}

/* The first run is not counted: it meets cold pages. times: [given->runs] */
static int measure(const arguments *given, edgert_session *session, int64_t *times) {
  fill_inputs(session);
  for (int32_t i = -1; i < given->runs; i++) {
    if (i >= 0) mark(i);
    int64_t start = now_nanoseconds();
    edgert_status status = edgert_session_run(session);
    if (status != EDGERT_OK) return refuse(given->model, status, edgert_session_error(session));
    if (i >= 0) times[i] = now_nanoseconds() - start;
  }
  mark(given->runs);
  qsort(times, (size_t)given->runs, sizeof *times, by_value);
  report(given, session, times);
  return EXIT_DONE;
}

int verb_bench(const arguments *given) {
  int64_t *times = malloc((size_t)given->runs * sizeof *times);
  if (!times) return refuse(given->model, EDGERT_OUT_OF_MEMORY, "no memory for the times");
  opened held;
  int code = open_session(given, false, &held);
  if (code == EXIT_DONE) code = measure(given, held.session, times);
  close_session(&held);
  free(times);
  return code;
}
