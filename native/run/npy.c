#include "run/npy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER_BYTES = 128, MOST_HEADER_BYTES = 4096, MOST_PATH_BYTES = 4096 };

static const char *descr(edgert_type type) {
  switch (type) {
    case EDGERT_FLOAT16:
      return "<f2";
    case EDGERT_FLOAT32:
      return "<f4";
    case EDGERT_FLOAT64:
      return "<f8";
    case EDGERT_INT8:
      return "|i1";
    case EDGERT_INT16:
      return "<i2";
    case EDGERT_INT32:
      return "<i4";
    case EDGERT_INT64:
      return "<i8";
    case EDGERT_UINT8:
      return "|u1";
    case EDGERT_UINT16:
      return "<u2";
    case EDGERT_UINT32:
      return "<u4";
    case EDGERT_BOOL:
      return "|b1";
    default:
      return "none";
  }
}

static int is_npy(const char *path) {
  size_t length = strlen(path);
  return length >= 4 && strcmp(path + length - 4, ".npy") == 0;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* Read the header's dictionary, ended by a NUL. text: [MOST_HEADER_BYTES] */
static const char *read_dictionary(FILE *file, char *text) {
  uint8_t start[12];
  if (fread(start, 1, 10, file) != 10 || memcmp(start, "\x93NUMPY", 6) != 0) {
    return "is not a .npy file";
  }
  size_t length = start[8] + 256U * start[9];
  if (start[6] >= 2) {
    if (fread(start + 10, 1, 2, file) != 2 || start[10] || start[11])
      return "has too long a header";
  }
  if (length >= MOST_HEADER_BYTES) return "has too long a header";
  if (fread(text, 1, length, file) != length) return "is cut short";
  text[length] = 0;
  return NULL;
}

/* A difference in leading or trailing dimensions of size 1 is no matter: the bytes are counted. */
static const char *check_dictionary(const char *text, const edgert_tensor_info *info) {
  const char *type = strstr(text, "'descr'");
  const char *wanted = descr(info->type);
  if (!type || !strstr(text, "'shape'")) return "has a header without descr or shape";
  if (!strstr(text, "'fortran_order': False")) return "is in Fortran order; store it in C order";
  type = strchr(type + 7, '\'');
  if (!type || strncmp(type + 2, wanted + 1, 2) != 0 || type[1] == '>') {
    return "has another element type than the model's input";
  }
  return NULL;
}

static const char *read_exactly(FILE *file, void *data, size_t bytes) {
  if (fread(data, 1, bytes, file) != bytes) return "is smaller than the model's input";
  return fgetc(file) == EOF ? NULL : "is larger than the model's input";
}

const char *npy_read(const char *path, const edgert_tensor_info *info, void *data) {
  FILE *file = fopen(path, "rb");
  if (!file) return "cannot be opened";
  const char *why = NULL;
  if (is_npy(path)) {
    char text[MOST_HEADER_BYTES];
    why = read_dictionary(file, text);
    if (!why) why = check_dictionary(text, info);
  }
  if (!why) why = read_exactly(file, data, info->bytes);
  fclose(file);
  return why;
}

/* ---- writing --------------------------------------------------------------------------------- */

/* Version 1: magic, two version bytes, header length, dictionary padded with spaces, newline. */
static void make_header(const edgert_tensor_info *info, char *header) {
  char dictionary[HEADER_BYTES];
  int used = snprintf(dictionary, sizeof dictionary,
                      "{'descr': '%s', 'fortran_order': False, 'shape': (", descr(info->type));
  for (int32_t i = 0; i < info->rank; i++) {
    used += snprintf(dictionary + used, sizeof dictionary - (size_t)used, "%d,", info->dims[i]);
  }
  used += snprintf(dictionary + used, sizeof dictionary - (size_t)used, ")}");
  memset(header, ' ', HEADER_BYTES);
  memcpy(header, "\x93NUMPY\x01\x00", 8);
  header[8] = HEADER_BYTES - 10;
  header[9] = 0;
  size_t length = (size_t)used < HEADER_BYTES - 11 ? (size_t)used : HEADER_BYTES - 11;
  memcpy(header + 10, dictionary, length);
  header[HEADER_BYTES - 1] = '\n';
}

static int write_file(const char *path, const edgert_tensor_info *info, const void *data,
                      int with_header) {
  FILE *file = fopen(path, "wb");
  if (!file) return 0;
  char header[HEADER_BYTES];
  make_header(info, header);
  int good = !with_header || fwrite(header, 1, sizeof header, file) == sizeof header;
  good = good && fwrite(data, 1, info->bytes, file) == info->bytes;
  return fclose(file) == 0 && good;
}

const char *npy_write(const char *path, const edgert_tensor_info *info, const void *data) {
  char temporary[MOST_PATH_BYTES];
  int length = snprintf(temporary, sizeof temporary, "%s.partial", path);
  if (length < 0 || length >= MOST_PATH_BYTES) return "is too long a name";
  if (write_file(temporary, info, data, is_npy(path)) && rename(temporary, path) == 0) return NULL;
  remove(temporary);
  return "cannot be written";
}
