/* The models of tests/data, which tests/native/model_builder.py writes. */
#ifndef SMALL_MODELS_H
#define SMALL_MODELS_H

#include <stdint.h>
#include <stdio.h>

#include "check.h"
#include "edgert.h"

enum { MOST_MODEL_BYTES = 4096 };

typedef struct small_model {
  uint8_t bytes[MOST_MODEL_BYTES];
  size_t count;
} small_model;

static const char *const small_model_names[] = {"branch", "convolution", "counter", "loop"};
enum { SMALL_MODELS = sizeof small_model_names / sizeof small_model_names[0] };

static inline void small_model_path(const char *name, char *path, size_t bytes) {
  snprintf(path, bytes, EDGERT_TEST_DATA "/%s.tflite", name);
}

static inline small_model small_model_read(const char *name) {
  small_model model = {.count = 0};
  char path[1024];
  small_model_path(name, path, sizeof path);
  FILE *file = fopen(path, "rb");
  CHECK(file != NULL);
  if (!file) return model;
  model.count = fread(model.bytes, 1, sizeof model.bytes, file);
  fclose(file);
  return model;
}

static inline edgert_model *small_model_open(const char *name) {
  char path[1024], why[EDGERT_ERROR_BYTES];
  edgert_model *model = NULL;
  small_model_path(name, path, sizeof path);
  if (edgert_model_open(path, NULL, &model, why, sizeof why)) fprintf(stderr, "%s\n", why);
  CHECK(model != NULL);
  return model;
}

static inline edgert_session *small_session(const edgert_model *model,
                                            const edgert_session_options *options) {
  char why[EDGERT_ERROR_BYTES];
  edgert_session *session = NULL;
  if (edgert_session_create(model, options, &session, why, sizeof why)) {
    fprintf(stderr, "%s\n", why);
  }
  CHECK(session != NULL);
  return session;
}

#endif
