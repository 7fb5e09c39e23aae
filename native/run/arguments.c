/* The command line: a table of options, each with the function that takes its value. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/real.h"
#include "run/verb.h"

static int wrong(const char *option, const char *value, const char *allowed) {
  fprintf(stderr, "edge-run: %s %s is not allowed: give %s\n", option, value ? value : "", allowed);
  return EXIT_USAGE;
}

/* ---- values ---------------------------------------------------------------------------------- */

static int take_number(const char *option, const char *text, int32_t high, const char *allowed,
                       int32_t *value) {
  char *end;
  errno = 0;
  long long n = strtoll(text, &end, 10);
  if (errno || end == text || *end || n < 1 || n > high) return wrong(option, text, allowed);
  *value = (int32_t)n;
  return EXIT_DONE;
}

/* One number for all three channels, or three with commas. values: [3] */
static int take_channels(const char *option, const char *text, float *values) {
  const char *at = text;
  int32_t count = 0;
  for (; count < 3; count++) {
    char *end;
    values[count] = (float)read_real(at, &end);
    if (end == at || (*end && *end != ',')) break;
    at = end;
    if (*at++ == 0) {
      count++;
      break;
    }
  }
  if (at[-1] != 0 || (count != 1 && count != 3)) return wrong(option, text, "one number or R,G,B");
  if (count == 1) values[1] = values[2] = values[0];
  return EXIT_DONE;
}

static int take_file(const char *option, const char *path, file_list *files) {
  if (files->count == MOST_FILES) return wrong(option, path, "at most 64 files");
  files->at[files->count++] = path;
  return EXIT_DONE;
}

/* ---- options --------------------------------------------------------------------------------- */

static int take_input(const char *option, const char *value, arguments *given) {
  return take_file(option, value, &given->inputs);
}

static int take_output(const char *option, const char *value, arguments *given) {
  return take_file(option, value, &given->outputs);
}

static int take_expected(const char *option, const char *value, arguments *given) {
  return take_file(option, value, &given->expected);
}

static int take_threads(const char *option, const char *value, arguments *given) {
  return take_number(option, value, 64, "1 to 64", &given->threads);
}

static int take_runs(const char *option, const char *value, arguments *given) {
  return take_number(option, value, 1000000, "1 to 1000000", &given->runs);
}

static int take_top(const char *option, const char *value, arguments *given) {
  return take_number(option, value, 1000, "1 to 1000", &given->top);
}

static int take_quota(const char *option, const char *value, arguments *given) {
  int32_t bytes;
  int code = take_number(option, value, INT32_MAX, "bytes, 1 to 2147483647", &bytes);
  if (code == EXIT_DONE) given->quota_bytes = (size_t)bytes;
  return code;
}

static int take_cpu_mask(const char *option, const char *value, arguments *given) {
  char *end;
  errno = 0;
  given->cpu_mask = strtoull(value, &end, 16);
  bool good = errno == 0 && end != value && *end == 0 && *value != '-' && given->cpu_mask;
  return good ? EXIT_DONE : wrong(option, value, "CPUs as hexadecimal bits, e.g. c for 2 and 3");
}

static int take_tolerance(const char *option, const char *value, arguments *given) {
  char *end;
  given->tolerance = read_real(value, &end);
  bool good = end != value && *end == 0 && given->tolerance >= 0;
  return good ? EXIT_DONE : wrong(option, value, "a number that is not negative");
}

static int take_kernels(const char *option, const char *value, arguments *given) {
  char known[128] = "one of";
  for (int32_t i = 0; edgert_kernels(i); i++) {
    if (strcmp(value, edgert_kernels(i)) == 0) {
      given->kernels = edgert_kernels(i);
      return EXIT_DONE;
    }
    size_t used = strlen(known);
    snprintf(known + used, sizeof known - used, " %s", edgert_kernels(i));
  }
  return wrong(option, value, known);
}

static int take_labels(const char *option, const char *value, arguments *given) {
  (void)option;
  given->labels = value;
  return EXIT_DONE;
}

static int take_mean(const char *option, const char *value, arguments *given) {
  given->pixels.given = true;
  return take_channels(option, value, given->pixels.mean);
}

static int take_std(const char *option, const char *value, arguments *given) {
  given->pixels.given = true;
  int code = take_channels(option, value, given->pixels.std);
  const float *std = given->pixels.std;
  bool good = code != EXIT_DONE || (std[0] > 0 && std[1] > 0 && std[2] > 0);
  return good ? code : wrong(option, value, "numbers over 0");
}

static int take_scale(const char *option, const char *value, arguments *given) {
  char *end;
  given->pixels.given = true;
  given->pixels.scale = (float)read_real(value, &end);
  bool good = end != value && *end == 0 && given->pixels.scale > 0;
  return good ? EXIT_DONE : wrong(option, value, "a number over 0");
}

static int take_resize(const char *option, const char *value, arguments *given) {
  return take_number(option, value, MOST_IMAGE_SIDE, "pixels of the short side, 1 to 16384",
                     &given->pixels.resize);
}

static int take_filter(const char *option, const char *value, arguments *given) {
  if (strcmp(value, "bilinear") == 0) {
    given->pixels.filter = RESAMPLE_BILINEAR;
  } else if (strcmp(value, "bicubic") == 0) {
    given->pixels.filter = RESAMPLE_BICUBIC;
  } else {
    return wrong(option, value, "bilinear or bicubic");
  }
  return EXIT_DONE;
}

static const struct {
  const char *name;
  int (*take)(const char *option, const char *value, arguments *given);
} options[] = {
    {"--input", take_input},     {"--output", take_output},
    {"--expect", take_expected}, {"--tolerance", take_tolerance},
    {"--threads", take_threads}, {"--cpu-mask", take_cpu_mask},
    {"--kernels", take_kernels}, {"--runs", take_runs},
    {"--quota", take_quota},     {"--labels", take_labels},
    {"--top", take_top},         {"--mean", take_mean},
    {"--std", take_std},         {"--scale", take_scale},
    {"--resize", take_resize},   {"--filter", take_filter},
};

/* `--name value` or `--name=value`. next: the word after it, or NULL
 * @param[out] words how many words it takes */
static int take_option(const char *word, const char *next, arguments *given, int *words) {
  size_t length = strcspn(word, "=");
  const char *value = word[length] ? word + length + 1 : next;
  *words = word[length] ? 1 : 2;
  for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
    const char *name = options[i].name;
    if (strlen(name) != length || strncmp(word, name, length) != 0) continue;
    return value ? options[i].take(name, value, given) : wrong(name, NULL, "a value after it");
  }
  return wrong("option", word, "one that `edge-run --help` lists");
}

static bool take_flag(const char *word, arguments *given) {
  if (strcmp(word, "--json") == 0) {
    given->format = REPORT_JSON;
  } else if (strcmp(word, "--csv") == 0) {
    given->format = REPORT_CSV;
  } else if (strcmp(word, "--arena-report") == 0) {
    given->arena_report = true;
  } else {
    return false;
  }
  return true;
}

/* The first plain word is the model, the others are inputs: `classify MODEL IMAGE`. */
static int take_word(const char *word, arguments *given) {
  if (given->model) return take_file("file", word, &given->inputs);
  given->model = word;
  return EXIT_DONE;
}

int parse_arguments(int count, char **words, arguments *given) {
  *given =
      (arguments){.threads = 1, .runs = 100, .top = 5, .pixels = {.scale = 1, .std = {1, 1, 1}}};
  for (int i = 0, taken = 1; i < count; i += taken) {
    taken = 1;
    if (take_flag(words[i], given)) continue;
    int code = words[i][0] == '-'
                   ? take_option(words[i], i + 1 < count ? words[i + 1] : NULL, given, &taken)
                   : take_word(words[i], given);
    if (code != EXIT_DONE) return code;
  }
  return given->model ? EXIT_DONE : wrong("no model", NULL, "a .tflite file");
}
