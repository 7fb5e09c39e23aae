/* What several verbs share: opening a model, running it and saying what went wrong. */
#include <stdio.h>
#include <time.h>

#include "run/machine.h"
#include "run/verb.h"
#include "schema.h"

int refuse(const char *model, edgert_status status, const char *why) {
  /* A sentence about the file itself names it already. */
  bool named = status == EDGERT_IO;
  fprintf(stderr, "edge-run: %s%s%s\n", named ? "" : model, named ? "" : ": ", why);
  return status == EDGERT_UNSUPPORTED ? EXIT_UNSUPPORTED : EXIT_FAILED;
}

int complain(const char *path, const char *why) {
  fprintf(stderr, "edge-run: %s %s\n", path, why);
  return EXIT_FAILED;
}

int open_session(const arguments *given, bool profile, opened *held) {
  char why[EDGERT_ERROR_BYTES];
  *held = (opened){NULL, NULL};
  if (given->cpu_mask && !machine_use_cpus(given->cpu_mask)) {
    return complain("--cpu-mask", "names no CPU that this program may use");
  }
  edgert_status status = edgert_model_open(given->model, NULL, &held->model, why, sizeof why);
  if (status != EDGERT_OK) return refuse(given->model, status, why);
  edgert_session_options options = {.size = sizeof options,
                                    .threads = given->threads,
                                    .profile = profile,
                                    .quota_bytes = given->quota_bytes,
                                    .kernels = given->kernels};
  status = edgert_session_create(held->model, &options, &held->session, why, sizeof why);
  return status == EDGERT_OK ? EXIT_DONE : refuse(given->model, status, why);
}

void close_session(opened *held) {
  edgert_session_destroy(held->session);
  edgert_model_close(held->model);
}

const char *used_isa(const arguments *given) {
  return given->kernels ? given->kernels : edgert_isa();
}

int run_session(const arguments *given, edgert_session *session) {
  edgert_status status = edgert_session_run(session);
  if (status == EDGERT_OK) return EXIT_DONE;
  return refuse(given->model, status, edgert_session_error(session));
}

void print_shape(edgert_type type, int32_t rank, const int32_t *dims) {
  printf("%s [", er_type_name((int32_t)type));
  for (int32_t i = 0; i < rank; i++) printf("%s%d", i ? ", " : "", dims[i]);
  printf("]");
}

int64_t now_nanoseconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}
