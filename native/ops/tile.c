/* TILE, BROADCAST_TO and FILL: one input, repeated. */
#include "move.h"
#include "shape.h"

/* Check the input and a constant list of one entry for each dimension. */
static edgert_status want_list(er_plan *plan, const er_node *node, const er_tensor *input,
                               const er_tensor *list, const char *what, int64_t least) {
  ER_TRY(er_want_whole_bytes(plan, node, input));
  ER_TRY(er_want_same_type(plan, node, input, er_plan_output(plan, node, 0)));
  ER_TRY(er_want_indices(plan, node, list, what));
  if (list->count >= least && list->count <= EDGERT_MAX_RANK) return EDGERT_OK;
  return er_plan_fail(plan, node, EDGERT_MALFORMED,
                      "its %s has %lld entries; allowed are %lld to %d", what,
                      (long long)list->count, (long long)least, EDGERT_MAX_RANK);
}

static edgert_status prepare_tile(er_plan *plan, er_node *node) {
  int64_t dims[EDGERT_MAX_RANK], in_stride[EDGERT_MAX_RANK], out_stride[EDGERT_MAX_RANK];
  er_copy *copy = NULL;
  ER_TRY(er_plan_want_counts(plan, node, 2, 2, 1));
  const er_tensor *input = er_plan_input(plan, node, 0), *times = er_plan_input(plan, node, 1);
  ER_TRY(want_list(plan, node, input, times, "list of multiples", input->rank));
  if (times->count != input->rank) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED, "has %lld multiples for an input of rank %d",
                        (long long)times->count, (int)input->rank);
  }
  for (int32_t d = 0; d < input->rank; ++d) {
    const int64_t many = er_constant_at(times, d);
    dims[d] = many < 1 || many > INT32_MAX ? 0 : many * input->dims[d];
  }
  ER_TRY(er_set_shape_i64(plan, node, 0, input->rank, dims));
  ER_TRY(er_move_begin(plan, node, 1, &copy));
  er_strides(input, in_stride);
  er_strides(er_plan_output(plan, node, 0), out_stride);
  er_move_between(copy, 0, 0, er_element_bytes(input));
  for (int32_t d = 0; d < input->rank; ++d) {
    er_move_along(copy, er_constant_at(times, d), 0, input->dims[d] * out_stride[d]);
    er_move_along(copy, input->dims[d], in_stride[d], out_stride[d]);
  }
  er_move_finish(copy);
  return EDGERT_OK;
}

/* Describe how the input is repeated to fill an output of equal or higher rank. */
static edgert_status repeat(er_plan *plan, er_node *node, int32_t from) {
  int64_t in_stride[EDGERT_MAX_RANK], out_stride[EDGERT_MAX_RANK];
  er_copy *copy = NULL;
  const er_tensor *input = er_plan_input(plan, node, from);
  const er_tensor *output = er_plan_output(plan, node, 0);
  const int32_t added = output->rank - input->rank;
  ER_TRY(er_move_begin(plan, node, 1, &copy));
  er_strides(input, in_stride);
  er_strides(output, out_stride);
  er_move_between(copy, from, 0, er_element_bytes(input));
  for (int32_t d = 0; d < output->rank; ++d) {
    const int32_t own = d < added ? 1 : input->dims[d - added];
    if (own != 1 && own != output->dims[d]) {
      return er_plan_fail(plan, node, EDGERT_MALFORMED, "cannot repeat a dimension of %d to %d",
                          (int)own, (int)output->dims[d]);
    }
    er_move_along(copy, output->dims[d], own == 1 ? 0 : in_stride[d - added], out_stride[d]);
  }
  er_move_finish(copy);
  return EDGERT_OK;
}

static edgert_status shape_from(er_plan *plan, const er_node *node, const er_tensor *list) {
  int64_t dims[EDGERT_MAX_RANK];
  for (int64_t d = 0; d < list->count; ++d) dims[d] = er_constant_at(list, d);
  return er_set_shape_i64(plan, node, 0, (int32_t)list->count, dims);
}

static edgert_status prepare_broadcast_to(er_plan *plan, er_node *node) {
  ER_TRY(er_plan_want_counts(plan, node, 2, 2, 1));
  const er_tensor *input = er_plan_input(plan, node, 0), *shape = er_plan_input(plan, node, 1);
  ER_TRY(want_list(plan, node, input, shape, "shape", input->rank));
  ER_TRY(shape_from(plan, node, shape));
  return repeat(plan, node, 0);
}

static edgert_status prepare_fill(er_plan *plan, er_node *node) {
  ER_TRY(er_plan_want_counts(plan, node, 2, 2, 1));
  const er_tensor *shape = er_plan_input(plan, node, 0), *value = er_plan_input(plan, node, 1);
  ER_TRY(want_list(plan, node, value, shape, "shape", 0));
  if (value->count != 1) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED, "fills with %lld values instead of 1",
                        (long long)value->count);
  }
  ER_TRY(shape_from(plan, node, shape));
  er_copy *copy = NULL;
  ER_TRY(er_move_begin(plan, node, 1, &copy));
  er_move_between(copy, 1, 0, er_element_bytes(value));
  er_move_along(copy, er_plan_output(plan, node, 0)->count, 0, 1);
  er_move_finish(copy);
  return EDGERT_OK;
}

const er_op er_op_tile = {
    .builtin = 69, .name = "TILE", .prepare = prepare_tile, .run = er_move_run};
const er_op er_op_broadcast_to = {
    .builtin = 130, .name = "BROADCAST_TO", .prepare = prepare_broadcast_to, .run = er_move_run};
const er_op er_op_fill = {
    .builtin = 94, .name = "FILL", .prepare = prepare_fill, .run = er_move_run};
