/* Opening a model: map or copy the bytes, then verify them. */
#include "model.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static edgert_status read_options(const edgert_model_options *given, edgert_model_options *options,
                                  er_message *why) {
  *options = (edgert_model_options){.size = sizeof *options};
  if (!given) return EDGERT_OK;
  if (given->size < sizeof given->size) {
    return er_say(why, EDGERT_INVALID_ARGUMENT,
                  "edgert_model_options.size is %zu: set it to sizeof(edgert_model_options)",
                  given->size);
  }
  memcpy(options, given, given->size < sizeof *options ? given->size : sizeof *options);
  return EDGERT_OK;
}

static void close_model(edgert_model *model) {
  if (model->mapping) munmap(model->mapping, model->file.bytes);
  er_memory memory = model->memory; /* holds the model itself */
  er_memory_release(&memory);
}

static edgert_model *new_model(const edgert_model_options *options) {
  er_memory memory = er_memory_from(options->allocator, 0);
  edgert_model *model = er_memory_take(&memory, sizeof *model);
  if (model) model->memory = memory;
  return model;
}

static edgert_status no_memory(er_message *why, size_t bytes) {
  return er_say(why, EDGERT_OUT_OF_MEMORY, "no memory for a model of %zu bytes", bytes);
}

static edgert_status verify(edgert_model *opened, edgert_model **model, er_message *why) {
  edgert_status status = er_verify(opened, why);
  if (status == EDGERT_OK) {
    *model = opened;
  } else {
    close_model(opened);
  }
  return status;
}

static edgert_status from_memory(const void *data, size_t bytes, const edgert_model_options *given,
                                 edgert_model **model, er_message *why) {
  edgert_model_options options;
  edgert_status status = read_options(given, &options, why);
  if (status != EDGERT_OK) return status;
  edgert_model *opened = new_model(&options);
  if (!opened) return no_memory(why, bytes);
  void *copy = options.copy ? er_memory_take(&opened->memory, bytes) : NULL;
  if (options.copy && !copy) {
    close_model(opened);
    return no_memory(why, bytes);
  }
  if (copy) memcpy(copy, data, bytes);
  opened->file = (er_buffer){.data = copy ? copy : data, .bytes = bytes};
  return verify(opened, model, why);
}

static edgert_status read_all(int file, uint8_t *data, size_t bytes) {
  while (bytes) {
    ssize_t got = read(file, data, bytes);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return EDGERT_IO;
    data += got;
    bytes -= (size_t)got;
  }
  return EDGERT_OK;
}

static edgert_status load(edgert_model *model, int file, const char *path, int32_t copy,
                          er_message *why) {
  struct stat about;
  if (fstat(file, &about) != 0 || !S_ISREG(about.st_mode)) {
    return er_say(why, EDGERT_IO, "%s is not a regular file", path);
  }
  if (about.st_size == 0) return er_say(why, EDGERT_MALFORMED, "the file is empty");
  if ((uint64_t)about.st_size > SIZE_MAX / 2) return no_memory(why, SIZE_MAX);
  size_t bytes = (size_t)about.st_size;
  if (copy) {
    uint8_t *data = er_memory_take(&model->memory, bytes);
    if (!data) return no_memory(why, bytes);
    model->file = (er_buffer){.data = data, .bytes = bytes};
    if (read_all(file, data, bytes) == EDGERT_OK) return EDGERT_OK;
  } else {
    void *data = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, file, 0);
    if (data != MAP_FAILED) {
      model->mapping = data;
      model->file = (er_buffer){.data = data, .bytes = bytes};
      return EDGERT_OK;
    }
  }
  return er_say(why, EDGERT_IO, "%s cannot be read: %s", path, strerror(errno));
}

static edgert_status from_file(const char *path, const edgert_model_options *given,
                               edgert_model **model, er_message *why) {
  edgert_model_options options;
  edgert_status status = read_options(given, &options, why);
  if (status != EDGERT_OK) return status;
  /* Without O_NONBLOCK a named pipe would make us wait for its writer. */
  int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return er_say(why, EDGERT_IO, "%s cannot be opened: %s", path, strerror(errno));
  edgert_model *opened = new_model(&options);
  status = opened ? load(opened, file, path, options.copy, why) : no_memory(why, 0);
  close(file);
  if (status == EDGERT_OK) return verify(opened, model, why);
  if (opened) close_model(opened);
  return status;
}

edgert_status edgert_model_open(const char *path, const edgert_model_options *options,
                                edgert_model **model, char *error, size_t error_bytes) {
  er_message why = {{0}};
  edgert_status status =
      path && model ? from_file(path, options, model, &why)
                    : er_say(&why, EDGERT_INVALID_ARGUMENT, "path and model must not be NULL");
  er_hand_over(&why, error, error_bytes);
  return status;
}

edgert_status edgert_model_from_memory(const void *data, size_t bytes,
                                       const edgert_model_options *options, edgert_model **model,
                                       char *error, size_t error_bytes) {
  er_message why = {{0}};
  edgert_status status =
      data && model ? from_memory(data, bytes, options, model, &why)
                    : er_say(&why, EDGERT_INVALID_ARGUMENT, "data and model must not be NULL");
  er_hand_over(&why, error, error_bytes);
  return status;
}

void edgert_model_close(edgert_model *model) {
  if (model) close_model(model);
}
