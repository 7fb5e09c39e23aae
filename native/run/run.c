/* edge-run run: files in, files out. */
#include <stdio.h>

#include "run/npy.h"
#include "run/verb.h"

static int check_outputs(const arguments *given, const edgert_session *session) {
  int32_t outputs = edgert_session_output_count(session);
  if (given->outputs.count <= outputs) return EXIT_DONE;
  fprintf(stderr, "edge-run: %d --output files for a model with %d outputs\n", given->outputs.count,
          outputs);
  return EXIT_USAGE;
}

static int write_outputs(const arguments *given, const edgert_session *session) {
  for (int32_t i = 0; i < given->outputs.count; i++) {
    edgert_tensor_info info;
    edgert_session_output_info(session, i, &info);
    const char *why = npy_write(given->outputs.at[i], &info, edgert_session_output(session, i));
    if (why) return complain(given->outputs.at[i], why);
  }
  return EXIT_DONE;
}

int verb_run(const arguments *given) {
  opened held;
  int code = open_session(given, false, &held);
  if (code == EXIT_DONE) code = check_outputs(given, held.session);
  if (code == EXIT_DONE) code = read_inputs(given, held.session);
  if (code == EXIT_DONE) code = run_session(given, held.session);
  if (code == EXIT_DONE) code = write_outputs(given, held.session);
  close_session(&held);
  return code;
}
