/* edge-run run: files in, files out. */
#include <stdio.h>

#include "run/npy.h"
#include "run/verb.h"

static int complain(const char *path, const char *why) {
  fprintf(stderr, "edge-run: %s %s\n", path, why);
  return EXIT_FAILED;
}

static int check_counts(const arguments *given, const edgert_session *session) {
  int32_t inputs = edgert_session_input_count(session);
  int32_t outputs = edgert_session_output_count(session);
  if (given->input_count == inputs && given->output_count <= outputs) return EXIT_DONE;
  fprintf(stderr, "edge-run: %d --input and %d --output files for a model with %d and %d\n",
          given->input_count, given->output_count, inputs, outputs);
  return EXIT_USAGE;
}

static int read_inputs(const arguments *given, edgert_session *session) {
  for (int32_t i = 0; i < given->input_count; i++) {
    edgert_tensor_info info;
    edgert_session_input_info(session, i, &info);
    const char *why = npy_read(given->inputs[i], &info, edgert_session_input(session, i));
    if (why) return complain(given->inputs[i], why);
  }
  return EXIT_DONE;
}

static int write_outputs(const arguments *given, const edgert_session *session) {
  for (int32_t i = 0; i < given->output_count; i++) {
    edgert_tensor_info info;
    edgert_session_output_info(session, i, &info);
    const char *why = npy_write(given->outputs[i], &info, edgert_session_output(session, i));
    if (why) return complain(given->outputs[i], why);
  }
  return EXIT_DONE;
}

static int run_once(const arguments *given, edgert_session *session) {
  int code = check_counts(given, session);
  if (code == EXIT_DONE) code = read_inputs(given, session);
  if (code != EXIT_DONE) return code;
  edgert_status status = edgert_session_run(session);
  if (status != EDGERT_OK) return refuse(given->model, status, edgert_session_error(session));
  return write_outputs(given, session);
}

int verb_run(const arguments *given) {
  opened held;
  int code = open_session(given, false, &held);
  if (code == EXIT_DONE) code = run_once(given, held.session);
  close_session(&held);
  return code;
}
