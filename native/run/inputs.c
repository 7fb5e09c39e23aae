/* Where a model's inputs come from: arrays, pictures or pseudo-random numbers. */
#include <stdio.h>
#include <string.h>

#include "run/image.h"
#include "run/npy.h"
#include "run/verb.h"

/* ---- files ----------------------------------------------------------------------------------- */

static const char *read_image(const char *path, const preprocessing *rule,
                              const edgert_tensor_info *info, void *data) {
  image picture;
  const char *why = image_read(path, &picture);
  if (why) return why;
  why = preprocess(rule, &picture, info, data);
  image_free(&picture);
  return why;
}

/* A file whose size is the input's may be raw bytes that start like an image by chance. */
static bool has_size(const char *path, size_t bytes) {
  FILE *file = fopen(path, "rb");
  if (!file) return false;
  bool same = fseek(file, 0, SEEK_END) == 0 && ftell(file) == (long)bytes;
  fclose(file);
  return same;
}

static int read_input(const arguments *given, int32_t index, edgert_session *session) {
  const char *path = given->inputs.at[index];
  edgert_tensor_info info;
  edgert_session_input_info(session, index, &info);
  void *data = edgert_session_input(session, index);
  bool picture = !has_size(path, info.bytes) && image_is(path);
  const char *why =
      picture ? read_image(path, &given->pixels, &info, data) : npy_read(path, &info, data);
  return why ? complain(path, why) : EXIT_DONE;
}

int read_inputs(const arguments *given, edgert_session *session) {
  int32_t inputs = edgert_session_input_count(session);
  if (given->inputs.count != inputs) {
    fprintf(stderr, "edge-run: %d --input files for a model with %d inputs\n", given->inputs.count,
            inputs);
    return EXIT_USAGE;
  }
  int code = EXIT_DONE;
  for (int32_t i = 0; i < inputs && code == EXIT_DONE; i++) code = read_input(given, i, session);
  return code;
}

/* ---- pseudo-random --------------------------------------------------------------------------- */

/* xorshift32 (Marsaglia 2003). Floats get values in [0, 1), bytes any value, all other types 0, so
 * that indices stay within range. */
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
