/* TRANSPOSE and REVERSE_V2: the same elements in another order. */
#include "move.h"
#include "shape.h"

static edgert_status want_permutation(er_plan *plan, const er_node *node, const er_tensor *tensor,
                                      int32_t rank, int32_t *permutation) {
  bool seen[EDGERT_MAX_RANK] = {false};
  ER_TRY(er_want_indices(plan, node, tensor, "permutation"));
  if (tensor->count != rank) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED,
                        "permutes %lld dimensions of an input of rank %d", (long long)tensor->count,
                        (int)rank);
  }
  for (int32_t d = 0; d < rank; ++d) {
    ER_TRY(er_want_axis(plan, node, er_constant_at(tensor, d), rank, &permutation[d]));
    if (seen[permutation[d]]) {
      return er_plan_fail(plan, node, EDGERT_MALFORMED, "its permutation names dimension %d twice",
                          (int)permutation[d]);
    }
    seen[permutation[d]] = true;
  }
  return EDGERT_OK;
}

static edgert_status prepare_transpose(er_plan *plan, er_node *node) {
  int32_t permutation[EDGERT_MAX_RANK], dims[EDGERT_MAX_RANK];
  int64_t in_stride[EDGERT_MAX_RANK], out_stride[EDGERT_MAX_RANK];
  er_copy *copy = NULL;
  ER_TRY(er_plan_want_counts(plan, node, 2, 2, 1));
  const er_tensor *input = er_plan_input(plan, node, 0);
  const er_tensor *output = er_plan_output(plan, node, 0);
  ER_TRY(er_want_whole_bytes(plan, node, input));
  ER_TRY(er_want_same_type(plan, node, input, output));
  ER_TRY(want_permutation(plan, node, er_plan_input(plan, node, 1), input->rank, permutation));
  for (int32_t d = 0; d < input->rank; ++d) dims[d] = input->dims[permutation[d]];
  ER_TRY(er_plan_set_shape(plan, node, 0, input->rank, dims));
  ER_TRY(er_move_begin(plan, node, 1, &copy));
  er_strides(input, in_stride);
  er_strides(output, out_stride);
  er_move_between(copy, 0, 0, er_element_bytes(input));
  for (int32_t d = 0; d < input->rank; ++d) {
    er_move_along(copy, dims[d], in_stride[permutation[d]], out_stride[d]);
  }
  er_move_finish(copy);
  return EDGERT_OK;
}

static edgert_status prepare_reverse(er_plan *plan, er_node *node) {
  bool reversed[EDGERT_MAX_RANK];
  int64_t stride[EDGERT_MAX_RANK];
  er_copy *copy = NULL;
  ER_TRY(er_plan_want_counts(plan, node, 2, 2, 1));
  const er_tensor *input = er_plan_input(plan, node, 0);
  ER_TRY(er_want_whole_bytes(plan, node, input));
  ER_TRY(er_want_same_type(plan, node, input, er_plan_output(plan, node, 0)));
  ER_TRY(er_want_axes(plan, node, er_plan_input(plan, node, 1), input->rank, reversed));
  ER_TRY(er_plan_set_shape(plan, node, 0, input->rank, input->dims));
  ER_TRY(er_move_begin(plan, node, 1, &copy));
  er_strides(input, stride);
  er_move_between(copy, 0, 0, er_element_bytes(input));
  for (int32_t d = 0; d < input->rank; ++d) {
    if (reversed[d]) copy->in_offset += (input->dims[d] - 1) * stride[d] * copy->block;
    er_move_along(copy, input->dims[d], reversed[d] ? -stride[d] : stride[d], stride[d]);
  }
  er_move_finish(copy);
  return EDGERT_OK;
}

const er_op er_op_transpose = {
    .builtin = 39, .name = "TRANSPOSE", .prepare = prepare_transpose, .run = er_move_run};
const er_op er_op_reverse_v2 = {
    .builtin = 105, .name = "REVERSE_V2", .prepare = prepare_reverse, .run = er_move_run};
