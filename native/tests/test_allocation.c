/* An allocator that refuses the n-th request, for every n: each time a clean refusal, nothing
 * leaked. */
#include <stdlib.h>
#include <string.h>

#include "small_models.h"

typedef struct counting {
  int32_t left; /* requests that are still granted; negative: all */
  int32_t live; /* granted and not released */
} counting;

static void *allocate(void *context, size_t bytes) {
  counting *counter = context;
  if (counter->left == 0) return NULL;
  if (counter->left > 0) counter->left--;
  void *memory;
  if (posix_memalign(&memory, 64, bytes) != 0) return NULL;
  counter->live++;
  return memory;
}

static void release(void *context, void *memory) {
  counting *counter = context;
  if (memory) counter->live--;
  free(memory);
}

static edgert_status open_and_run(const small_model *bytes, const edgert_allocator *allocator,
                                  int32_t threads) {
  edgert_model *model = NULL;
  edgert_session *session = NULL;
  edgert_model_options of_model = {.size = sizeof of_model, .copy = 1, .allocator = allocator};
  char why[EDGERT_ERROR_BYTES] = "";
  edgert_status status =
      edgert_model_from_memory(bytes->bytes, bytes->count, &of_model, &model, why, sizeof why);
  if (status == EDGERT_OK) {
    edgert_session_options of_session = {
        .size = sizeof of_session, .threads = threads, .allocator = allocator};
    status = edgert_session_create(model, &of_session, &session, why, sizeof why);
  }
  if (status == EDGERT_OK) status = edgert_session_run(session);
  CHECK((status == EDGERT_OK) == (why[0] == 0));
  edgert_session_destroy(session);
  edgert_model_close(model);
  return status;
}

static void each_refused_request_is_a_clean_error(const char *name, int32_t threads) {
  small_model bytes = small_model_read(name);
  counting counter = {.left = -1};
  edgert_allocator allocator = {allocate, release, &counter};
  CHECK(open_and_run(&bytes, &allocator, threads) == EDGERT_OK);
  CHECK(counter.live == 0);
  edgert_status status = EDGERT_OUT_OF_MEMORY;
  int32_t granted = 0;
  for (; status != EDGERT_OK && granted < 1000; granted++) {
    counter = (counting){.left = granted};
    status = open_and_run(&bytes, &allocator, threads);
    CHECK(status == EDGERT_OK || status == EDGERT_OUT_OF_MEMORY);
    CHECK(counter.live == 0);
  }
  CHECK(status == EDGERT_OK && granted > 3);
}

int main(void) {
  for (int32_t i = 0; i < SMALL_MODELS; i++) {
    each_refused_request_is_a_clean_error(small_model_names[i], 1);
    each_refused_request_is_a_clean_error(small_model_names[i], 3);
  }
  return check_result();
}
