/* SELECT, SELECT_V2: of two inputs, the element that a condition chooses. */
#include <string.h>

#include "kernels/kernels.h"
#include "shape.h"

enum { CHOICE, A, B, INPUTS };

/* Planes of lines of elements: the innermost two dimensions are a plane. */
typedef struct er_choice {
  int32_t rank;                            /* at least 2 once it is planned */
  int32_t dims[EDGERT_MAX_RANK];           /* of the output, then joined where inputs allow it */
  int64_t planes;                          /* product of all but the last two */
  int64_t stride[INPUTS][EDGERT_MAX_RANK]; /* elements; 0 where repeated */
  int64_t element_bytes;
} er_choice;

static edgert_status want_inputs(er_plan *plan, const er_node *node) {
  const int32_t bools[] = {EDGERT_BOOL, -1};
  ER_TRY(er_plan_want_counts(plan, node, 3, 3, 1));
  const er_tensor *a = er_plan_input(plan, node, A);
  ER_TRY(er_plan_want_type(plan, node, er_plan_input(plan, node, CHOICE), bools));
  ER_TRY(er_want_whole_bytes(plan, node, a));
  ER_TRY(er_want_same_type(plan, node, a, er_plan_input(plan, node, B)));
  return er_want_same_type(plan, node, a, er_plan_output(plan, node, 0));
}

/* Widen the output's dims to hold an input that is aligned to the right. */
static edgert_status widen(er_plan *plan, const er_node *node, const er_tensor *input,
                           er_choice *choice) {
  const int32_t lead = choice->rank - input->rank;
  for (int32_t d = 0; d < input->rank; ++d) {
    int32_t *dim = &choice->dims[lead + d];
    if (*dim == 1) *dim = input->dims[d];
    if (input->dims[d] != 1 && input->dims[d] != *dim) {
      return er_plan_fail(plan, node, EDGERT_MALFORMED,
                          "cannot broadcast dimension %d of '%s' from %d to %d", (int)d,
                          input->name, (int)input->dims[d], (int)*dim);
    }
  }
  return EDGERT_OK;
}

static void align(const er_tensor *input, const er_choice *choice, int64_t *stride) {
  int64_t own[EDGERT_MAX_RANK];
  er_strides(input, own);
  for (int32_t d = 0; d < input->rank; ++d) {
    stride[choice->rank - input->rank + d] = input->dims[d] == 1 ? 0 : own[d];
  }
}

/* Whether every input walks through dimension `d` as a part of the dimension `outer` around it. */
static bool goes_on(const er_choice *choice, int32_t outer, int32_t d) {
  bool all = (int64_t)choice->dims[outer] * choice->dims[d] <= INT32_MAX;
  for (int32_t i = 0; i < INPUTS; ++i) {
    all = all && choice->stride[i][outer] == choice->stride[i][d] * choice->dims[d];
  }
  return all;
}

static void put(er_choice *choice, int32_t to, int32_t size, int32_t from) {
  choice->dims[to] = size;
  for (int32_t i = 0; i < INPUTS; ++i) choice->stride[i][to] = choice->stride[i][from];
}

/* Join dimensions that are walked through as one, leave out those of 1, and have two at least. */
static void join(er_choice *choice) {
  int32_t kept = 0;
  for (int32_t d = 0; d < choice->rank; ++d) {
    if (choice->dims[d] == 1) continue;
    if (kept > 0 && goes_on(choice, kept - 1, d)) {
      put(choice, kept - 1, choice->dims[kept - 1] * choice->dims[d], d);
    } else {
      put(choice, kept++, choice->dims[d], d);
    }
  }
  choice->rank = kept < 2 ? 2 : kept;
  for (; kept < 2; ++kept) { /* a plane of one line, of one element */
    put(choice, 1, kept == 0 ? 1 : choice->dims[0], 0);
    choice->dims[0] = 1;
  }
}

static edgert_status finish(er_plan *plan, er_node *node, const er_choice *planned) {
  er_choice *choice = er_plan_alloc(plan, sizeof *choice);
  if (choice == NULL) return er_plan_no_memory(plan);
  *choice = *planned;
  choice->element_bytes = er_element_bytes(er_plan_input(plan, node, A));
  ER_TRY(er_plan_set_shape(plan, node, 0, choice->rank, choice->dims));
  join(choice);
  choice->planes = 1;
  for (int32_t d = 0; d < choice->rank - 2; ++d) choice->planes *= choice->dims[d];
  node->data = choice;
  return EDGERT_OK;
}

static edgert_status prepare_v2(er_plan *plan, er_node *node) {
  er_choice choice = {0};
  ER_TRY(want_inputs(plan, node));
  for (int32_t i = 0; i < INPUTS; ++i) {
    const int32_t rank = er_plan_input(plan, node, i)->rank;
    if (rank > choice.rank) choice.rank = rank;
  }
  for (int32_t d = 0; d < choice.rank; ++d) choice.dims[d] = 1;
  for (int32_t i = 0; i < INPUTS; ++i) {
    ER_TRY(widen(plan, node, er_plan_input(plan, node, i), &choice));
  }
  for (int32_t i = 0; i < INPUTS; ++i) {
    align(er_plan_input(plan, node, i), &choice, choice.stride[i]);
  }
  return finish(plan, node, &choice);
}

/* SELECT: a and b have one shape; the condition has it too, or is a vector that chooses rows. */
static edgert_status prepare_v1(er_plan *plan, er_node *node) {
  ER_TRY(want_inputs(plan, node));
  const er_tensor *condition = er_plan_input(plan, node, CHOICE);
  const er_tensor *a = er_plan_input(plan, node, A);
  if (condition->rank != 1 || a->rank < 2) return prepare_v2(plan, node);
  er_choice choice = {.rank = a->rank};
  for (int32_t d = 0; d < a->rank; ++d) choice.dims[d] = a->dims[d];
  ER_TRY(widen(plan, node, er_plan_input(plan, node, B), &choice));
  if (condition->dims[0] != a->dims[0] || er_plan_input(plan, node, B)->count != a->count) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED, "chooses %d rows of an input that has %d",
                        (int)condition->dims[0], (int)a->dims[0]);
  }
  choice.stride[CHOICE][0] = 1;
  align(a, &choice, choice.stride[A]);
  align(a, &choice, choice.stride[B]);
  return finish(plan, node, &choice);
}

/* Where the three inputs stand, in bytes that start a plane. */
typedef struct er_sources {
  const uint8_t *at[INPUTS];
} er_sources;

/* Copy the lines from `line` on that one condition chooses, if it chooses whole lines and they
 * follow each other.
 *
 * @return how many; 0 if they are to be chosen otherwise. */
static int32_t copy_lines(const er_choice *choice, const er_sources *plane, int32_t line,
                          uint8_t *output) {
  const int32_t last = choice->rank - 1, lines = choice->dims[last - 1], size = choice->dims[last];
  const int64_t stride = choice->stride[CHOICE][last - 1];
  const uint8_t *condition = plane->at[CHOICE];
  const int32_t from = condition[line * stride] ? A : B;
  if (choice->stride[CHOICE][last] != 0 || choice->stride[from][last] != 1) return 0;
  const bool whole = choice->stride[from][last - 1] == size;
  int32_t end = line + 1;
  while (whole && end < lines && (condition[end * stride] ? A : B) == from) ++end;
  const int64_t line_bytes = size * choice->element_bytes;
  const int64_t skipped = line * choice->stride[from][last - 1] * choice->element_bytes;
  memcpy(output + line * line_bytes, plane->at[from] + skipped,
         (size_t)((end - line) * line_bytes));
  return end - line;
}

static void choose_plane(const er_kernels *kernels, const er_choice *choice,
                         const er_sources *plane, uint8_t *output) {
  const int32_t last = choice->rank - 1, count = choice->dims[last];
  const int64_t bytes = choice->element_bytes;
  int64_t step[INPUTS], line_step[INPUTS];
  for (int32_t i = 0; i < INPUTS; ++i) {
    step[i] = choice->stride[i][last];
    line_step[i] = choice->stride[i][last - 1];
  }
  for (int32_t line = 0; line < choice->dims[last - 1];) {
    const int32_t copied = copy_lines(choice, plane, line, output);
    if (copied == 0) {
      kernels->select(count, bytes, plane->at[CHOICE] + line * line_step[CHOICE], step[CHOICE],
                      plane->at[A] + line * line_step[A] * bytes, step[A],
                      plane->at[B] + line * line_step[B] * bytes, step[B],
                      output + (int64_t)line * count * bytes);
    }
    line += copied == 0 ? 1 : copied;
  }
}

static edgert_status run(const er_run *run, const er_node *node) {
  const er_choice *choice = node->data;
  const int32_t last = choice->rank - 1;
  const int64_t bytes = choice->element_bytes;
  const int64_t plane_bytes = (int64_t)choice->dims[last - 1] * choice->dims[last] * bytes;
  uint8_t *output = er_out_data(run, node, 0);
  if (plane_bytes == 0) return EDGERT_OK;
  for (int64_t p = 0; p < choice->planes; ++p) {
    int64_t left = p, at[INPUTS] = {0};
    for (int32_t d = last - 2; d >= 0; --d) {
      for (int32_t i = 0; i < INPUTS; ++i) at[i] += left % choice->dims[d] * choice->stride[i][d];
      left /= choice->dims[d];
    }
    const er_sources plane = {.at = {(const uint8_t *)er_in_data(run, node, CHOICE) + at[CHOICE],
                                     (const uint8_t *)er_in_data(run, node, A) + at[A] * bytes,
                                     (const uint8_t *)er_in_data(run, node, B) + at[B] * bytes}};
    choose_plane(run->kernels, choice, &plane, output + p * plane_bytes);
  }
  return EDGERT_OK;
}

const er_op er_op_select = {.builtin = 64, .name = "SELECT", .prepare = prepare_v1, .run = run};
const er_op er_op_select_v2 = {
    .builtin = 123, .name = "SELECT_V2", .prepare = prepare_v2, .run = run};
