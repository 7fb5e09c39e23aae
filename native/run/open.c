/* What several verbs share: opening a model and asking it to run. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "run/verb.h"
#include "schema.h"

int refuse(const char *model, edgert_status status, const char *why) {
  /* A sentence about the file itself names it already. */
  bool named = status == EDGERT_IO;
  fprintf(stderr, "edge-run: %s%s%s\n", named ? "" : model, named ? "" : ": ", why);
  return status == EDGERT_UNSUPPORTED ? EXIT_UNSUPPORTED : EXIT_FAILED;
}

int open_session(const arguments *given, bool profile, opened *held) {
  char why[EDGERT_ERROR_BYTES];
  *held = (opened){NULL, NULL};
  edgert_status status = edgert_model_open(given->model, NULL, &held->model, why, sizeof why);
  if (status != EDGERT_OK) return refuse(given->model, status, why);
  edgert_session_options options = {.size = sizeof options,
                                    .threads = given->threads,
                                    .profile = profile,
                                    .quota_bytes = given->quota_bytes};
  status = edgert_session_create(held->model, &options, &held->session, why, sizeof why);
  return status == EDGERT_OK ? EXIT_DONE : refuse(given->model, status, why);
}

void close_session(opened *held) {
  edgert_session_destroy(held->session);
  edgert_model_close(held->model);
}

/* xorshift32 (Marsaglia 2003). Floats get values in [0, 1), all other types random bytes within a
 * byte's range, so that indices stay small. */
static uint32_t next(uint32_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 17;
  *state ^= *state << 5;
  return *state;
}

static void fill(void *data, const edgert_tensor_info *info, uint32_t *state) {
  uint8_t *bytes = data;
  if (info->type == EDGERT_FLOAT32) {
    for (size_t i = 0; i < info->bytes / sizeof(float); i++) {
      float value = (float)(next(state) >> 8) / 16777216.0F;
      memcpy(bytes + i * sizeof value, &value, sizeof value);
    }
  } else if (info->type == EDGERT_INT8 || info->type == EDGERT_UINT8) {
    for (size_t i = 0; i < info->bytes; i++) bytes[i] = (uint8_t)(next(state) >> 24);
  } else {
    memset(bytes, 0, info->bytes);
  }
}

void fill_inputs(edgert_session *session) {
  uint32_t state = 2463534242U;
  for (int32_t i = 0; i < edgert_session_input_count(session); i++) {
    edgert_tensor_info info;
    edgert_session_input_info(session, i, &info);
    fill(edgert_session_input(session, i), &info, &state);
  }
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
