/* edge-run classify: one input, the highest scores of the first output with their names. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/verb.h"
#include "sort.h"

typedef struct score {
  int32_t index;
  float value;
} score;

/* ---- scores ---------------------------------------------------------------------------------- */

static float value_of(const edgert_tensor_info *info, const void *data, int32_t index) {
  if (info->type == EDGERT_FLOAT32) return ((const float *)data)[index];
  int32_t stored =
      info->type == EDGERT_INT8 ? ((const int8_t *)data)[index] : ((const uint8_t *)data)[index];
  return info->quantized ? (float)(stored - info->zero_point) * info->scale : (float)stored;
}

/* Highest first, equal ones by index, NaN last. */
static int by_score(const void *left, const void *right) {
  const score *a = left, *b = right;
  if (isnan(a->value) != isnan(b->value)) return isnan(a->value) ? 1 : -1;
  if (a->value != b->value && !isnan(a->value)) return a->value < b->value ? 1 : -1;
  return a->index - b->index;
}

/* ---- names ----------------------------------------------------------------------------------- */

/* Line `index` of a text file, without its end. line: [bytes] @return NULL, or a sentence */
static const char *read_label(const char *path, int32_t index, char *line, size_t bytes) {
  FILE *file = fopen(path, "r");
  if (!file) return "cannot be opened";
  int32_t number = 0, c;
  while (number < index && (c = fgetc(file)) != EOF) number += c == '\n';
  bool found = fgets(line, (int)bytes, file) != NULL;
  fclose(file);
  if (!found) return "has fewer lines than the model has classes";
  line[strcspn(line, "\r\n")] = 0;
  return NULL;
}

/* ---- report ---------------------------------------------------------------------------------- */

static void print_quoted(const char *text) {
  putchar('"');
  for (; *text; text++) {
    unsigned char c = (unsigned char)*text;
    if (c < 32) {
      printf("\\u%04x", c);
    } else {
      printf(c == '"' || c == '\\' ? "\\%c" : "%c", c);
    }
  }
  putchar('"');
}

static void print_score(const arguments *given, const score *best, const char *label, bool last) {
  if (given->format == REPORT_JSON) {
    printf("{\"class\": %d, \"score\": %.9g, \"label\": ", best->index, (double)best->value);
    print_quoted(label);
    printf(last ? "}]\n" : "}, ");
  } else {
    printf("%10.6f  %5d  %s\n", (double)best->value, best->index, label);
  }
}

/* scores: [count], sorted */
static int report(const arguments *given, const score *scores, int32_t count) {
  if (count > given->top) count = given->top;
  if (given->format == REPORT_JSON) putchar('[');
  for (int32_t i = 0; i < count; i++) {
    char label[256] = "";
    const char *why =
        given->labels ? read_label(given->labels, scores[i].index, label, sizeof label) : NULL;
    if (why) return complain(given->labels, why);
    print_score(given, &scores[i], label, i + 1 == count);
  }
  return EXIT_DONE;
}

static int rank(const arguments *given, const edgert_session *session) {
  edgert_tensor_info info;
  if (edgert_session_output_info(session, 0, &info) != EDGERT_OK ||
      (info.type != EDGERT_FLOAT32 && info.type != EDGERT_INT8 && info.type != EDGERT_UINT8)) {
    return complain(given->model, "has no first output of FLOAT32, INT8 or UINT8 scores");
  }
  int32_t count = (int32_t)(info.bytes / (info.type == EDGERT_FLOAT32 ? sizeof(float) : 1));
  score *scores = malloc((size_t)count * sizeof *scores);
  if (!scores) return refuse(given->model, EDGERT_OUT_OF_MEMORY, "no memory for the scores");
  const void *data = edgert_session_output(session, 0);
  for (int32_t i = 0; i < count; i++) scores[i] = (score){i, value_of(&info, data, i)};
  er_sort(scores, (size_t)count, sizeof *scores, by_score);
  int code = report(given, scores, count);
  free(scores);
  return code;
}

int verb_classify(const arguments *given) {
  opened held;
  int code = open_session(given, false, &held);
  if (code == EXIT_DONE) code = read_inputs(given, held.session);
  if (code == EXIT_DONE) code = run_session(given, held.session);
  if (code == EXIT_DONE) code = rank(given, held.session);
  close_session(&held);
  return code;
}
