/* Valid models, cut at every byte and with every bit flipped: the library may accept or refuse,
 * with a sentence, but never reads outside (ASan), never does undefined arithmetic (UBSan) and
 * never hangs. */
#include <stdlib.h>
#include <string.h>

#include "small_models.h"

enum { QUOTA_BYTES = 1 << 22 };

/* @return whether the model could be run */
static int try_model(const uint8_t *data, size_t count) {
  char why[EDGERT_ERROR_BYTES] = "";
  edgert_model *model = NULL;
  edgert_session *session = NULL;
  edgert_session_options options = {.size = sizeof options, .quota_bytes = QUOTA_BYTES};
  edgert_status status = edgert_model_from_memory(data, count, NULL, &model, why, sizeof why);
  if (status == EDGERT_OK) {
    status = edgert_session_create(model, &options, &session, why, sizeof why);
  }
  CHECK((status == EDGERT_OK) == (why[0] == 0));
  if (status == EDGERT_OK) status = edgert_session_run(session);
  edgert_session_destroy(session);
  edgert_model_close(model);
  return status == EDGERT_OK;
}

/* The bytes stand at the end of an allocation of their own, so that ASan sees a read past them. */
static int try_copy(const uint8_t *data, size_t count) {
  uint8_t *exact = malloc(count ? count : 1);
  CHECK(exact != NULL);
  if (!exact) return 0;
  memcpy(exact, data, count);
  int ran = try_model(exact, count);
  free(exact);
  return ran;
}

static void every_truncation_is_refused(const small_model *model) {
  for (size_t count = 0; count < model->count; count++) CHECK(!try_copy(model->bytes, count));
}

static void no_flipped_bit_does_harm(small_model *model) {
  for (size_t bit = 0; bit < 8 * model->count; bit++) {
    model->bytes[bit / 8] ^= (uint8_t)(1U << (bit % 8));
    try_copy(model->bytes, model->count);
    model->bytes[bit / 8] ^= (uint8_t)(1U << (bit % 8));
  }
}

/* Numbers that overflow, wrap or are most negative, at every 4 bytes. */
static void no_extreme_number_does_harm(small_model *model) {
  static const uint32_t extremes[] = {0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x7FC00000};
  for (size_t at = 0; at + 4 <= model->count; at += 4) {
    uint32_t old;
    memcpy(&old, model->bytes + at, sizeof old);
    for (size_t i = 0; i < sizeof extremes / sizeof extremes[0]; i++) {
      memcpy(model->bytes + at, &extremes[i], sizeof old);
      try_copy(model->bytes, model->count);
    }
    memcpy(model->bytes + at, &old, sizeof old);
  }
}

int main(void) {
  for (int32_t i = 0; i < SMALL_MODELS; i++) {
    small_model model = small_model_read(small_model_names[i]);
    CHECK(try_model(model.bytes, model.count));
    every_truncation_is_refused(&model);
    no_flipped_bit_does_harm(&model);
    no_extreme_number_does_harm(&model);
    CHECK(try_model(model.bytes, model.count));
  }
  return check_result();
}
