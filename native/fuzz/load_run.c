/* libFuzzer: load any bytes as a model, plan it within 64 MB, run it when it is cheap.
 *
 *   make fuzz */
#include <stdint.h>
#include <string.h>

#include "edgert.h"

enum { QUOTA_BYTES = 64 << 20, MOST_STEPS = 1 << 20 };

/* What an operator costs is bounded by its MACs and its output; each output of a pool may look at
 * the whole input. */
static int64_t steps_of(const edgert_node_info *node) {
  int64_t count = 1;
  for (int32_t d = 0; d < node->rank; d++) count *= node->dims[d];
  return node->macs + (strstr(node->op, "POOL") ? count * node->bytes : count);
}

static int is_cheap(const edgert_session *session) {
  int64_t steps = 0;
  edgert_node_info node;
  for (int32_t i = 0; edgert_session_node_info(session, i, &node) == EDGERT_OK; i++) {
    steps += steps_of(&node);
    if (steps > MOST_STEPS) return 0;
  }
  return 1;
}

/* The fastest kernels, or those of a processor of ten years ago. */
static const char *kernels_for(size_t bytes) {
#if defined(__x86_64__)
  if (bytes / 2 % 2) return "avx2";
#endif
  (void)bytes;
  return "";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
  edgert_model *model = NULL;
  edgert_session *session = NULL;
  char why[EDGERT_ERROR_BYTES];
  edgert_session_options options = {.size = sizeof options,
                                    .threads = 1 + (int32_t)(bytes % 2),
                                    .kernels = kernels_for(bytes),
                                    .quota_bytes = QUOTA_BYTES};
  if (edgert_model_from_memory(data, bytes, NULL, &model, why, sizeof why) == EDGERT_OK &&
      edgert_session_create(model, &options, &session, why, sizeof why) == EDGERT_OK &&
      is_cheap(session)) {
    edgert_session_run(session);
    edgert_session_run(session);
  }
  edgert_session_destroy(session);
  edgert_model_close(model);
  return 0;
}
