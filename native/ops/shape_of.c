/* SHAPE, RANK: numbers that are known once shapes are planned; RANGE: numbers from constants. */
#include <math.h>

#include "shape.h"

static void store(void *output, edgert_type type, int64_t i, int64_t value) {
  if (type == EDGERT_INT64) {
    ((int64_t *)output)[i] = value;
  } else {
    ((int32_t *)output)[i] = (int32_t)value;
  }
}

static edgert_status prepare_shape(er_plan *plan, er_node *node) {
  const int32_t types[] = {EDGERT_INT32, EDGERT_INT64, -1};
  ER_TRY(er_plan_want_counts(plan, node, 1, 1, 1));
  ER_TRY(er_plan_want_type(plan, node, er_plan_output(plan, node, 0), types));
  const int32_t rank = er_plan_input(plan, node, 0)->rank;
  return er_plan_set_shape(plan, node, 0, 1, &rank);
}

static edgert_status run_shape(const er_run *run, const er_node *node) {
  const er_tensor *input = er_in(run, node, 0);
  for (int32_t d = 0; d < input->rank; ++d) {
    store(er_out_data(run, node, 0), er_out(run, node, 0)->type, d, input->dims[d]);
  }
  return EDGERT_OK;
}

static edgert_status prepare_rank(er_plan *plan, er_node *node) {
  const int32_t types[] = {EDGERT_INT32, EDGERT_INT64, -1};
  ER_TRY(er_plan_want_counts(plan, node, 1, 1, 1));
  ER_TRY(er_plan_want_type(plan, node, er_plan_output(plan, node, 0), types));
  return er_plan_set_shape(plan, node, 0, 0, NULL);
}

static edgert_status run_rank(const er_run *run, const er_node *node) {
  store(er_out_data(run, node, 0), er_out(run, node, 0)->type, 0, er_in(run, node, 0)->rank);
  return EDGERT_OK;
}

/* ---- RANGE --------------------------------------------------------------------------------- */

/* Start, limit or step as a real number; int64 values beyond 2^53 are refused with the shape. */
static double real_at(const void *data, edgert_type type) {
  return type == EDGERT_FLOAT32 ? (double)*(const float *)data : (double)er_index_at(data, type, 0);
}

static edgert_status prepare_range(er_plan *plan, er_node *node) {
  const int32_t types[] = {EDGERT_FLOAT32, EDGERT_INT32, EDGERT_INT64, -1};
  double bound[3];
  ER_TRY(er_plan_want_counts(plan, node, 3, 3, 1));
  for (int32_t i = 0; i < 3; ++i) {
    const er_tensor *input = er_plan_input(plan, node, i);
    ER_TRY(er_plan_want_type(plan, node, input, types));
    ER_TRY(er_want_same_type(plan, node, input, er_plan_output(plan, node, 0)));
    if (input->constant == NULL || input->count != 1) {
      return er_plan_fail(plan, node, EDGERT_UNSUPPORTED,
                          "'%s' must be one constant: it decides the output's shape", input->name);
    }
    bound[i] = real_at(input->constant, input->type);
  }
  const double count = ceil((bound[1] - bound[0]) / bound[2]);
  if (!(count >= 1 && count <= INT32_MAX)) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED, "counts from %g to %g by %g", bound[0],
                        bound[1], bound[2]);
  }
  const int32_t length = (int32_t)count;
  return er_plan_set_shape(plan, node, 0, 1, &length);
}

static edgert_status run_range(const er_run *run, const er_node *node) {
  const er_tensor *output = er_out(run, node, 0);
  const void *start = er_in_data(run, node, 0), *step = er_in_data(run, node, 2);
  for (int64_t i = 0; i < output->count; ++i) {
    if (output->type == EDGERT_FLOAT32) {
      ((float *)er_out_data(run, node, 0))[i] =
          *(const float *)start + (float)i * *(const float *)step;
    } else {
      store(er_out_data(run, node, 0), output->type, i,
            er_index_at(start, output->type, 0) + i * er_index_at(step, output->type, 0));
    }
  }
  return EDGERT_OK;
}

const er_op er_op_shape = {
    .builtin = 77, .name = "SHAPE", .prepare = prepare_shape, .run = run_shape, .folds = true};
const er_op er_op_rank = {
    .builtin = 110, .name = "RANK", .prepare = prepare_rank, .run = run_rank, .folds = true};
const er_op er_op_range = {
    .builtin = 96, .name = "RANGE", .prepare = prepare_range, .run = run_range};
