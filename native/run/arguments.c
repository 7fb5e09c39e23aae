#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/verb.h"

static int wrong(const char *option, const char *value, const char *allowed) {
  fprintf(stderr, "edge-run: %s %s is not allowed: give %s\n", option, value ? value : "", allowed);
  return EXIT_USAGE;
}

static bool number(const char *text, long long low, long long high, long long *value) {
  char *end;
  errno = 0;
  *value = strtoll(text, &end, 10);
  return errno == 0 && end != text && *end == 0 && *value >= low && *value <= high;
}

static int add_file(const char *option, const char *path, const char **files, int32_t *count) {
  if (*count == MOST_FILES) return wrong(option, path, "at most 64 files");
  files[(*count)++] = path;
  return EXIT_DONE;
}

static int take(const char *option, const char *value, arguments *given) {
  long long n;
  if (strcmp(option, "--input") == 0) {
    return add_file(option, value, given->inputs, &given->input_count);
  }
  if (strcmp(option, "--output") == 0) {
    return add_file(option, value, given->outputs, &given->output_count);
  }
  if (strcmp(option, "--threads") == 0) {
    if (!number(value, 1, 64, &n)) return wrong(option, value, "1 to 64");
    given->threads = (int32_t)n;
    return EXIT_DONE;
  }
  if (strcmp(option, "--runs") == 0) {
    if (!number(value, 1, 1000000, &n)) return wrong(option, value, "1 to 1000000");
    given->runs = (int32_t)n;
    return EXIT_DONE;
  }
  if (strcmp(option, "--quota") == 0) {
    if (!number(value, 1, INT32_MAX, &n)) return wrong(option, value, "bytes, 1 to 2147483647");
    given->quota_bytes = (size_t)n;
    return EXIT_DONE;
  }
  return wrong("option", option, "one that `edge-run --help` lists");
}

int parse_arguments(int count, char **words, arguments *given) {
  *given = (arguments){.threads = 1, .runs = 100};
  for (int i = 0; i < count; i++) {
    if (strcmp(words[i], "--json") == 0) {
      given->json = true;
    } else if (words[i][0] == '-') {
      if (i + 1 == count) return wrong(words[i], NULL, "a value after it");
      int code = take(words[i], words[i + 1], given);
      if (code != EXIT_DONE) return code;
      i++;
    } else if (!given->model) {
      given->model = words[i];
    } else {
      return wrong("a second model", words[i], "one model");
    }
  }
  return given->model ? EXIT_DONE : wrong("no model", NULL, "a .tflite file");
}
