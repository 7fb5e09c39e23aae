/* edge-run bench: how long whole runs take, and what may have spoilt the figures. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/machine.h"
#include "run/mark.h"
#include "run/verb.h"
#include "sort.h"

typedef struct measurement {
  const arguments *given;
  const edgert_session *session;
  int64_t *times;    /* [given->runs] nanoseconds, in the order of the runs; report sorts them */
  double later;      /* median time of the last third as a multiple of the first third's */
  double stolen;     /* share of the wall time in which one thread would not compute */
  int64_t throttled; /* the counter's change */
} measurement;

static int by_value(const void *left, const void *right) {
  int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
  return (a > b) - (a < b);
}

/* times: [count], sorted; in nanoseconds. @return milliseconds */
static double percentile(const int64_t *times, int32_t count, int32_t percent) {
  int64_t index = ((int64_t)count * percent + 99) / 100 - 1;
  return (double)times[index < 0 ? 0 : index] / 1e6;
}

/* ---- warnings -------------------------------------------------------------------------------- */

enum { MOST_WARNINGS = 4, WARNING_BYTES = 160 };

typedef struct warnings {
  int32_t count;
  char at[MOST_WARNINGS][WARNING_BYTES]; /* [count] sentences without quotes */
} warnings;

static char *add(warnings *all) { return all->at[all->count++]; }

static void find_warnings(const measurement *run, warnings *all) {
  const char *governor = machine_governor();
  if (*governor && strcmp(governor, "performance") != 0) {
    snprintf(add(all), WARNING_BYTES, "the frequency governor is %s: set it to performance",
             governor);
  }
  if (run->throttled > 0) {
    snprintf(add(all), WARNING_BYTES, "the CPU slowed itself down (heat or voltage) meanwhile");
  }
  if (run->later > 1.05) {
    snprintf(add(all), WARNING_BYTES,
             "the last third of the runs took %.0f %% longer than the first: throttling or load",
             100 * (run->later - 1));
  }
  if (run->stolen > 0.05) {
    snprintf(add(all), WARNING_BYTES, "other programs had the CPU for %.0f %% of the time",
             100 * run->stolen);
  }
}

/* ---- report ---------------------------------------------------------------------------------- */

static void report_json(const measurement *run, const double *ms, const warnings *all) {
  const arguments *given = run->given;
  printf(
      "{\"min_ms\": %.6f, \"p50_ms\": %.6f, \"p90_ms\": %.6f, \"p99_ms\": %.6f, \"runs\": %d, "
      "\"threads\": %d, \"isa\": \"%s\", \"arena_bytes\": %zu, \"total_bytes\": %zu, "
      "\"peak_memory_bytes\": %lld, "
      "\"warnings\": [",
      ms[0], ms[1], ms[2], ms[3], given->runs, given->threads, used_isa(given),
      edgert_session_arena_bytes(run->session), edgert_session_total_bytes(run->session),
      (long long)machine_peak_memory());
  for (int32_t i = 0; i < all->count; i++) printf("%s\"%s\"", i ? ", " : "", all->at[i]);
  printf("]}\n");
}

static void report_csv(const measurement *run, const double *ms) {
  const arguments *given = run->given;
  printf(
      "model,isa,threads,runs,min_ms,p50_ms,p90_ms,p99_ms,arena_bytes,total_bytes,"
      "peak_memory_bytes\n\"%s\",%s,%d,%d,%.6f,%.6f,%.6f,%.6f,%zu,%zu,%lld\n",
      given->model, used_isa(given), given->threads, given->runs, ms[0], ms[1], ms[2], ms[3],
      edgert_session_arena_bytes(run->session), edgert_session_total_bytes(run->session),
      (long long)machine_peak_memory());
}

static void report_text(const measurement *run, const double *ms) {
  const arguments *given = run->given;
  printf(
      "min %.3f ms, p50 %.3f, p90 %.3f, p99 %.3f over %d runs on %d threads (%s), "
      "arena %zu bytes, %zu in all\n",
      ms[0], ms[1], ms[2], ms[3], given->runs, given->threads, used_isa(given),
      edgert_session_arena_bytes(run->session), edgert_session_total_bytes(run->session));
}

static void report(const measurement *run) {
  warnings all = {.count = 0};
  find_warnings(run, &all);
  int32_t runs = run->given->runs;
  er_sort(run->times, (size_t)runs, sizeof *run->times, by_value);
  double ms[] = {percentile(run->times, runs, 0), percentile(run->times, runs, 50),
                 percentile(run->times, runs, 90), percentile(run->times, runs, 99)};
  if (run->given->format == REPORT_JSON) {
    report_json(run, ms, &all);
    return;
  }
  (run->given->format == REPORT_CSV ? report_csv : report_text)(run, ms);
  for (int32_t i = 0; i < all.count; i++) fprintf(stderr, "edge-run: warning: %s\n", all.at[i]);
}

/* ---- measuring ------------------------------------------------------------------------------- */

/* times: [count] in the order of the runs; both thirds get sorted */
static double compare_thirds(int64_t *times, int32_t count) {
  int32_t third = count / 3;
  if (third < 5) return 1;
  int64_t *last = times + count - third;
  er_sort(times, (size_t)third, sizeof *times, by_value);
  er_sort(last, (size_t)third, sizeof *times, by_value);
  return percentile(last, third, 50) / percentile(times, third, 50);
}

/* The first run is not counted: it meets cold pages. */
static int time_runs(const arguments *given, edgert_session *session, int64_t *times) {
  int code = run_session(given, session);
  for (int32_t i = 0; i < given->runs && code == EXIT_DONE; i++) {
    mark(i);
    int64_t start = now_nanoseconds();
    code = run_session(given, session);
    times[i] = now_nanoseconds() - start;
  }
  mark(given->runs);
  return code;
}

static int measure(const arguments *given, edgert_session *session, int64_t *times) {
  measurement run = {.given = given, .session = session, .times = times};
  fill_inputs(session);
  int64_t throttled = machine_throttled();
  int64_t wall = now_nanoseconds(), cpu = machine_cpu_nanoseconds();
  int code = time_runs(given, session, times);
  if (code != EXIT_DONE) return code;
  wall = now_nanoseconds() - wall;
  cpu = machine_cpu_nanoseconds() - cpu;
  run.throttled = machine_throttled() - throttled;
  run.stolen = given->threads == 1 ? (double)(wall - cpu) / (double)wall : 0;
  run.later = compare_thirds(times, given->runs);
  report(&run);
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
