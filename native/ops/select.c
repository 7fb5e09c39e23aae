/* SELECT, SELECT_V2: of two inputs, the element that a condition chooses. */
#include "kernels/compare.h"
#include "shape.h"

enum { CHOICE, A, B, INPUTS };

typedef struct er_choice {
  int32_t rank;
  int32_t dims[EDGERT_MAX_RANK];           /* of the output */
  int64_t rows;                            /* product of all but the last */
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

static edgert_status finish(er_plan *plan, er_node *node, const er_choice *planned) {
  er_choice *choice = er_plan_alloc(plan, sizeof *choice);
  if (choice == NULL) return er_plan_no_memory(plan);
  *choice = *planned;
  choice->element_bytes = er_element_bytes(er_plan_input(plan, node, A));
  ER_TRY(er_plan_set_shape(plan, node, 0, choice->rank, choice->dims));
  choice->rows = er_product(er_plan_output(plan, node, 0), 0, choice->rank - 1);
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

static edgert_status run(const er_run *run, const er_node *node) {
  const er_choice *choice = node->data;
  const int32_t last = choice->rank - 1;
  const uint8_t *condition = er_in_data(run, node, CHOICE);
  const uint8_t *a = er_in_data(run, node, A), *b = er_in_data(run, node, B);
  uint8_t *output = er_out_data(run, node, 0);
  const int64_t bytes = choice->element_bytes;
  const int32_t count = last >= 0 ? choice->dims[last] : 1;
  int64_t step[INPUTS] = {0};
  for (int32_t i = 0; i < INPUTS && last >= 0; ++i) step[i] = choice->stride[i][last];
  for (int64_t r = 0; r < choice->rows; ++r) {
    int64_t left = r, at[INPUTS] = {0};
    for (int32_t d = last - 1; d >= 0; --d) {
      for (int32_t i = 0; i < INPUTS; ++i) at[i] += left % choice->dims[d] * choice->stride[i][d];
      left /= choice->dims[d];
    }
    er_select(count, bytes, condition + at[CHOICE], step[CHOICE], a + at[A] * bytes, step[A],
              b + at[B] * bytes, step[B], output + r * count * bytes);
  }
  return EDGERT_OK;
}

const er_op er_op_select = {.builtin = 64, .name = "SELECT", .prepare = prepare_v1, .run = run};
const er_op er_op_select_v2 = {
    .builtin = 123, .name = "SELECT_V2", .prepare = prepare_v2, .run = run};
