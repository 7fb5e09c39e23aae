/* edge-run compare: run once and hold each output against a file of what should come out. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/npy.h"
#include "run/verb.h"

typedef struct difference {
  int64_t elements, differing;
  double largest; /* infinity where one side is NaN or infinite and the other is not the same */
  int64_t place;  /* of the largest */
} difference;

static size_t element_bytes(edgert_type type) {
  switch (type) {
    case EDGERT_FLOAT64:
    case EDGERT_INT64:
      return 8;
    case EDGERT_FLOAT32:
    case EDGERT_INT32:
    case EDGERT_UINT32:
      return 4;
    case EDGERT_FLOAT16:
    case EDGERT_INT16:
    case EDGERT_UINT16:
      return 2;
    default:
      return 1;
  }
}

#define ELEMENT(type, data, index) (double)((const type *)(data))[index]

/* Types without arithmetic here (BOOL, FLOAT16) count by their bits. */
static double element(edgert_type type, const void *data, int64_t index) {
  switch (type) {
    case EDGERT_FLOAT64:
      return ELEMENT(double, data, index);
    case EDGERT_FLOAT32:
      return ELEMENT(float, data, index);
    case EDGERT_INT64:
      return ELEMENT(int64_t, data, index);
    case EDGERT_INT32:
      return ELEMENT(int32_t, data, index);
    case EDGERT_UINT32:
      return ELEMENT(uint32_t, data, index);
    case EDGERT_INT16:
      return ELEMENT(int16_t, data, index);
    case EDGERT_UINT16:
    case EDGERT_FLOAT16:
      return ELEMENT(uint16_t, data, index);
    case EDGERT_INT8:
      return ELEMENT(int8_t, data, index);
    default:
      return ELEMENT(uint8_t, data, index);
  }
}

static double distance(double a, double b) {
  if (a == b || (isnan(a) && isnan(b))) return 0;
  double apart = fabs(a - b);
  return isnan(apart) ? INFINITY : apart;
}

/* ours, theirs: [info->bytes] */
static difference measure(const edgert_tensor_info *info, const void *ours, const void *theirs) {
  size_t bytes = element_bytes(info->type);
  difference found = {.elements = (int64_t)(info->bytes / bytes)};
  for (int64_t i = 0; i < found.elements; i++) {
    size_t at = (size_t)i * bytes;
    if (memcmp((const char *)ours + at, (const char *)theirs + at, bytes) == 0) continue;
    double apart = distance(element(info->type, ours, i), element(info->type, theirs, i));
    found.differing++;
    if (apart > found.largest) {
      found.largest = apart;
      found.place = i;
    }
  }
  return found;
}

static void report(const arguments *given, int32_t index, const edgert_tensor_info *info,
                   const difference *found) {
  const char *format =
      given->format == REPORT_JSON
          ? "{\"output\": %d, \"name\": \"%s\", \"elements\": %lld, \"differing\": %lld, "
            "\"largest\": %.9g, \"at\": %lld}\n"
          : "output %d  %s: %lld elements, %lld differ, by at most %.9g (element %lld)\n";
  printf(format, index, info->name, (long long)found->elements, (long long)found->differing,
         found->largest, (long long)found->place);
}

static int compare_output(const arguments *given, int32_t index, const edgert_session *session,
                          bool *same) {
  const char *path = given->expected.at[index];
  edgert_tensor_info info;
  edgert_session_output_info(session, index, &info);
  void *expected = malloc(info.bytes);
  const char *why = expected ? npy_read(path, &info, expected) : "is larger than the memory";
  if (!why) {
    difference found = measure(&info, edgert_session_output(session, index), expected);
    report(given, index, &info, &found);
    *same = *same && found.largest <= given->tolerance;
  }
  free(expected);
  return why ? complain(path, why) : EXIT_DONE;
}

static int compare_outputs(const arguments *given, const edgert_session *session) {
  int32_t outputs = edgert_session_output_count(session);
  if (given->expected.count < 1 || given->expected.count > outputs) {
    fprintf(stderr, "edge-run: %d --expect files for a model with %d outputs\n",
            given->expected.count, outputs);
    return EXIT_USAGE;
  }
  bool same = true;
  int code = EXIT_DONE;
  for (int32_t i = 0; i < given->expected.count && code == EXIT_DONE; i++) {
    code = compare_output(given, i, session, &same);
  }
  return code == EXIT_DONE && !same ? EXIT_FAILED : code;
}

int verb_compare(const arguments *given) {
  opened held;
  int code = open_session(given, false, &held);
  if (code == EXIT_DONE) code = read_inputs(given, held.session);
  if (code == EXIT_DONE) code = run_session(given, held.session);
  if (code == EXIT_DONE) code = compare_outputs(given, held.session);
  close_session(&held);
  return code;
}
