/* The public interface: what it gives for good arguments and what it says for wrong ones. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "small_models.h"

static float output_at(const edgert_session *session, int32_t index) {
  float value;
  memcpy(&value, (const char *)edgert_session_output(session, 0) + 4 * index, sizeof value);
  return value;
}

static void feed(edgert_session *session, int32_t input, const float *values, size_t count) {
  memcpy(edgert_session_input(session, input), values, count * sizeof *values);
}

static void state_lives_between_runs_and_ends_at_a_reset(void) {
  static const float ones[4] = {1, 1, 1, 1};
  edgert_model *model = small_model_open("counter");
  edgert_session *session = small_session(model, NULL);
  feed(session, 0, ones, 4);
  for (int32_t run = 1; run <= 3; run++) {
    CHECK(edgert_session_run(session) == EDGERT_OK);
    CHECK(output_at(session, 3) == 10.0F + (float)run);
  }
  edgert_session_reset(session);
  CHECK(edgert_session_run(session) == EDGERT_OK);
  CHECK(output_at(session, 0) == 11.0F);
  edgert_session_destroy(session);
  edgert_model_close(model);
}

static void two_sessions_of_one_model_share_no_state(void) {
  static const float ones[4] = {1, 1, 1, 1};
  edgert_model *model = small_model_open("counter");
  edgert_session *left = small_session(model, NULL), *right = small_session(model, NULL);
  feed(left, 0, ones, 4);
  feed(right, 0, ones, 4);
  CHECK(edgert_session_run(left) == EDGERT_OK && edgert_session_run(left) == EDGERT_OK);
  CHECK(edgert_session_run(right) == EDGERT_OK);
  CHECK(output_at(left, 0) == 12.0F && output_at(right, 0) == 11.0F);
  edgert_session_destroy(left);
  edgert_session_destroy(right);
  edgert_model_close(model);
}

static void *count_to_a_hundred(void *model) {
  static const float ones[4] = {1, 1, 1, 1};
  edgert_session_options options = {.size = sizeof options, .threads = 2};
  edgert_session *session = small_session(model, &options);
  feed(session, 0, ones, 4);
  for (int32_t run = 0; run < 90; run++) CHECK(edgert_session_run(session) == EDGERT_OK);
  CHECK(output_at(session, 0) == 100.0F);
  edgert_session_destroy(session);
  return NULL;
}

static void threads_share_a_model(void) {
  edgert_model *model = small_model_open("counter");
  pthread_t threads[4];
  for (int32_t i = 0; i < 4; i++) {
    CHECK(pthread_create(&threads[i], NULL, count_to_a_hundred, model) == 0);
  }
  for (int32_t i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  edgert_model_close(model);
}

static void if_takes_the_branch_that_its_flag_names(void) {
  static const float x[2] = {3, 5};
  edgert_model *model = small_model_open("branch");
  edgert_session *session = small_session(model, NULL);
  feed(session, 1, x, 2);
  memset(edgert_session_input(session, 0), 1, 1);
  CHECK(edgert_session_run(session) == EDGERT_OK);
  CHECK(output_at(session, 0) == 6.0F && output_at(session, 1) == 10.0F);
  memset(edgert_session_input(session, 0), 0, 1);
  CHECK(edgert_session_run(session) == EDGERT_OK);
  CHECK(output_at(session, 0) == 9.0F && output_at(session, 1) == 25.0F);
  edgert_session_destroy(session);
  edgert_model_close(model);
}

static void while_runs_its_body_until_its_condition_ends(void) {
  static const float x[3] = {1, -2, 0.5F};
  edgert_model *model = small_model_open("loop");
  edgert_session *session = small_session(model, NULL);
  feed(session, 1, x, 3);
  memcpy(edgert_session_input(session, 0), &(int32_t){2}, 4);
  CHECK(edgert_session_run(session) == EDGERT_OK);
  const float *result = edgert_session_output(session, 1);
  CHECK(result[0] == 8 && result[1] == -16 && result[2] == 4);
  CHECK(*(const int32_t *)edgert_session_output(session, 0) == 5);
  edgert_session_destroy(session);
  edgert_model_close(model);
}

static void inputs_keep_their_values(void) {
  edgert_model *model = small_model_open("convolution");
  edgert_session *session = small_session(model, NULL);
  int8_t *x = edgert_session_input(session, 0);
  for (int32_t i = 0; i < 32; i++) x[i] = (int8_t)(4 * i - 60);
  CHECK(edgert_session_run(session) == EDGERT_OK);
  for (int32_t i = 0; i < 32; i++) CHECK(x[i] == 4 * i - 60);
  edgert_session_destroy(session);
  edgert_model_close(model);
}

static void every_thread_count_gives_the_same_bits(void) {
  edgert_model *model = small_model_open("convolution");
  int8_t first[4] = {0};
  for (int32_t threads = 1; threads <= 4; threads++) {
    edgert_session_options options = {.size = sizeof options, .threads = threads};
    edgert_session *session = small_session(model, &options);
    int8_t *x = edgert_session_input(session, 0);
    for (int32_t i = 0; i < 32; i++) x[i] = (int8_t)(i * 37 % 251 - 125);
    CHECK(edgert_session_run(session) == EDGERT_OK);
    if (threads == 1) memcpy(first, edgert_session_output(session, 0), sizeof first);
    CHECK(memcmp(first, edgert_session_output(session, 0), sizeof first) == 0);
    edgert_session_destroy(session);
  }
  edgert_model_close(model);
}

static void a_session_describes_itself(void) {
  edgert_model *model = small_model_open("convolution");
  edgert_session_options options = {.size = sizeof options, .profile = 1};
  edgert_session *session = small_session(model, &options);
  edgert_tensor_info info;
  CHECK(edgert_session_input_count(session) == 1 && edgert_session_output_count(session) == 1);
  CHECK(edgert_session_input_info(session, 0, &info) == EDGERT_OK);
  CHECK(strcmp(info.name, "x") == 0 && info.type == EDGERT_INT8 && info.rank == 4);
  CHECK(info.dims[1] == 4 && info.dims[3] == 2 && info.bytes == 32);
  CHECK(info.quantized == 1 && info.scale == 0.5F && info.zero_point == 3);
  CHECK(edgert_session_input_info(session, 1, &info) == EDGERT_INVALID_ARGUMENT);
  CHECK(edgert_session_output_info(session, -1, &info) == EDGERT_INVALID_ARGUMENT);
  CHECK(edgert_session_input(session, 1) == NULL && edgert_session_output(session, -1) == NULL);
  CHECK(edgert_session_arena_bytes(session) > 0);
  CHECK(edgert_session_total_bytes(session) > edgert_session_arena_bytes(session));
  CHECK(edgert_session_run(session) == EDGERT_OK);
  edgert_node_info node;
  CHECK(edgert_session_node_count(session) == 3);
  CHECK(edgert_session_node_info(session, 0, &node) == EDGERT_OK);
  CHECK(strcmp(node.op, "CONV_2D") == 0 && node.macs == 4 * 4 * 3 * 18 && node.nanoseconds > 0);
  CHECK(edgert_session_node_info(session, 3, &node) == EDGERT_INVALID_ARGUMENT);
  edgert_session_destroy(session);
  edgert_model_close(model);
}

static void wrong_arguments_are_named(void) {
  char why[EDGERT_ERROR_BYTES];
  edgert_model *model = NULL;
  edgert_session *session = NULL;
  CHECK(edgert_model_open(NULL, NULL, &model, why, sizeof why) == EDGERT_INVALID_ARGUMENT);
  CHECK(edgert_model_open("/nowhere/m.tflite", NULL, &model, why, sizeof why) == EDGERT_IO);
  CHECK(strstr(why, "/nowhere/m.tflite") != NULL);
  CHECK(edgert_model_open("/", NULL, &model, why, sizeof why) == EDGERT_IO);
  CHECK(edgert_model_from_memory(NULL, 0, NULL, &model, NULL, 0) == EDGERT_INVALID_ARGUMENT);
  CHECK(edgert_session_create(NULL, NULL, &session, NULL, 0) == EDGERT_INVALID_ARGUMENT);
  CHECK(model == NULL && session == NULL);
  model = small_model_open("convolution");
  edgert_session_options options = {.size = sizeof options, .threads = 65};
  CHECK(edgert_session_create(model, &options, &session, why, sizeof why) ==
        EDGERT_INVALID_ARGUMENT);
  CHECK(strstr(why, "65") != NULL && session == NULL);
  options = (edgert_session_options){.size = 0};
  CHECK(edgert_session_create(model, &options, &session, why, sizeof why) ==
        EDGERT_INVALID_ARGUMENT);
  edgert_model_close(model);
  edgert_model_close(NULL);
  edgert_session_destroy(NULL);
}

/* A caller built against a version without `quota_bytes` hands over a smaller struct. */
static void an_old_caller_s_smaller_struct_is_honoured(void) {
  edgert_model *model = small_model_open("convolution");
  edgert_session_options options = {.quota_bytes = 1, .threads = 2};
  options.size = offsetof(edgert_session_options, quota_bytes);
  edgert_session *session = small_session(model, &options);
  edgert_session_destroy(session);
  edgert_model_close(model);
}

static void a_quota_is_held(void) {
  edgert_model *model = small_model_open("convolution");
  edgert_session *session = small_session(model, NULL);
  size_t needed = edgert_session_total_bytes(session);
  edgert_session_destroy(session);
  char why[EDGERT_ERROR_BYTES];
  for (size_t quota = 1; quota < needed; quota += 509) {
    edgert_session_options options = {.size = sizeof options, .quota_bytes = quota};
    edgert_session *none = NULL;
    CHECK(edgert_session_create(model, &options, &none, why, sizeof why) == EDGERT_QUOTA);
    CHECK(strstr(why, "quota") != NULL && none == NULL);
  }
  edgert_model_close(model);
}

static void a_copied_model_outlives_the_caller_s_bytes(void) {
  small_model bytes = small_model_read("counter");
  edgert_model_options options = {.size = sizeof options, .copy = 1};
  edgert_model *model = NULL;
  CHECK(edgert_model_from_memory(bytes.bytes, bytes.count, &options, &model, NULL, 0) == EDGERT_OK);
  memset(&bytes, 0, sizeof bytes);
  edgert_session *session = small_session(model, NULL);
  CHECK(edgert_session_run(session) == EDGERT_OK);
  CHECK(output_at(session, 0) == 10.0F);
  edgert_session_destroy(session);
  edgert_model_close(model);
}

/* The flatbuffer keeps its meaning at an odd address; constants must be copied to an even one. */
/* A mapped file must not change; a copied one may even go. */
static void a_copied_file_may_change(void) {
  char path[] = "/tmp/edgert_test_XXXXXX", why[EDGERT_ERROR_BYTES];
  small_model bytes = small_model_read("counter");
  int file = mkstemp(path);
  CHECK(file >= 0 && write(file, bytes.bytes, bytes.count) == (ssize_t)bytes.count);
  edgert_model *model = NULL;
  edgert_model_options options = {.size = sizeof options, .copy = 1};
  CHECK(edgert_model_open(path, &options, &model, why, sizeof why) == EDGERT_OK);
  CHECK(ftruncate(file, 0) == 0);
  edgert_session *session = small_session(model, NULL);
  CHECK(edgert_session_run(session) == EDGERT_OK);
  edgert_session_destroy(session);
  edgert_model_close(model);
  close(file);
  unlink(path);
}

static void a_model_at_any_address_gives_the_same_result(void) {
  small_model bytes = small_model_read("counter");
  static uint8_t shifted[MOST_MODEL_BYTES + 8];
  for (size_t shift = 1; shift < 8; shift++) {
    memcpy(shifted + shift, bytes.bytes, bytes.count);
    edgert_model *model = NULL;
    CHECK(edgert_model_from_memory(shifted + shift, bytes.count, NULL, &model, NULL, 0) ==
          EDGERT_OK);
    edgert_session *session = small_session(model, NULL);
    CHECK(edgert_session_run(session) == EDGERT_OK);
    CHECK(output_at(session, 0) == 10.0F);
    edgert_session_destroy(session);
    edgert_model_close(model);
  }
}

static void the_library_describes_itself(void) {
  CHECK(edgert_abi_version() == EDGERT_ABI_VERSION);
  CHECK(edgert_version()[0] != 0 && edgert_isa()[0] != 0);
  CHECK(edgert_supports(3) == 1 && edgert_supports(32) == 0);
  CHECK(edgert_supports(-1) == 0 && edgert_supports(100000) == 0);
  CHECK(strcmp(edgert_status_name(EDGERT_QUOTA), "EDGERT_QUOTA") == 0);
  CHECK(edgert_status_name((edgert_status)99) != NULL);
}

int main(void) {
  state_lives_between_runs_and_ends_at_a_reset();
  two_sessions_of_one_model_share_no_state();
  threads_share_a_model();
  if_takes_the_branch_that_its_flag_names();
  while_runs_its_body_until_its_condition_ends();
  inputs_keep_their_values();
  every_thread_count_gives_the_same_bits();
  a_session_describes_itself();
  wrong_arguments_are_named();
  an_old_caller_s_smaller_struct_is_honoured();
  a_quota_is_held();
  a_copied_model_outlives_the_caller_s_bytes();
  a_copied_file_may_change();
  a_model_at_any_address_gives_the_same_result();
  the_library_describes_itself();
  return check_result();
}
