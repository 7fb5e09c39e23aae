/* RESHAPE, SQUEEZE, EXPAND_DIMS: the same bytes under another shape. */
#include <string.h>

#include "shape.h"

static edgert_status run_copy(const er_run *run, const er_node *node) {
  memmove(er_out_data(run, node, 0), er_in_data(run, node, 0), er_out(run, node, 0)->bytes);
  return EDGERT_OK;
}

/* What a shape is read from: a tensor, or else the options' list. */
static edgert_status wanted_shape(er_plan *plan, const er_node *node, int32_t *rank,
                                  int64_t dims[EDGERT_MAX_RANK]) {
  const er_tensor *shape = er_plan_input(plan, node, 1);
  const er_vector listed = er_vec(node->options, 0, sizeof(int32_t));
  if (shape != NULL) ER_TRY(er_want_indices(plan, node, shape, "shape"));
  const int64_t count = shape != NULL ? shape->count : listed.count;
  if (count > EDGERT_MAX_RANK) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED, "its shape has %lld entries; at most %d",
                        (long long)count, EDGERT_MAX_RANK);
  }
  *rank = (int32_t)count;
  for (int32_t d = 0; d < *rank; ++d) {
    dims[d] = shape != NULL ? er_constant_at(shape, d) : er_vec_i32(listed, (uint32_t)d);
  }
  /* Old files write the shape of a scalar as [0]. */
  if (shape == NULL && *rank == 1 && dims[0] == 0) *rank = 0;
  return EDGERT_OK;
}

/* Replace the one -1 of a shape by what the element count leaves for it. */
static edgert_status infer_dim(er_plan *plan, const er_node *node, int64_t count, int32_t rank,
                               int64_t *dims) {
  int64_t known = 1;
  int32_t unknown = -1;
  for (int32_t d = 0; d < rank; ++d) {
    if (dims[d] == -1 && unknown < 0) {
      unknown = d;
    } else if (dims[d] < 1 || dims[d] > count) {
      return er_plan_fail(plan, node, EDGERT_MALFORMED,
                          "dimension %d of its new shape is %lld, for %lld elements", (int)d,
                          (long long)dims[d], (long long)count);
    } else if ((known *= dims[d]) > count) {
      break;
    }
  }
  if (unknown >= 0 && known <= count) dims[unknown] = count / known;
  if (known > count || (unknown >= 0 ? count % known : count - known) != 0) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED,
                        "its new shape does not hold the input's %lld elements", (long long)count);
  }
  return EDGERT_OK;
}

static edgert_status prepare_reshape(er_plan *plan, er_node *node) {
  int32_t rank = 0;
  int64_t dims[EDGERT_MAX_RANK];
  ER_TRY(er_plan_want_counts(plan, node, 1, 2, 1));
  const er_tensor *input = er_plan_input(plan, node, 0);
  ER_TRY(er_want_same_type(plan, node, input, er_plan_output(plan, node, 0)));
  ER_TRY(wanted_shape(plan, node, &rank, dims));
  ER_TRY(infer_dim(plan, node, input->count, rank, dims));
  return er_set_shape_i64(plan, node, 0, rank, dims);
}

static edgert_status prepare_squeeze(er_plan *plan, er_node *node) {
  bool named[EDGERT_MAX_RANK] = {false};
  int64_t dims[EDGERT_MAX_RANK];
  int32_t rank = 0;
  ER_TRY(er_plan_want_counts(plan, node, 1, 1, 1));
  const er_tensor *input = er_plan_input(plan, node, 0);
  ER_TRY(er_want_same_type(plan, node, input, er_plan_output(plan, node, 0)));
  const er_vector axes = er_vec(node->options, 0, sizeof(int32_t));
  for (uint32_t i = 0; i < axes.count; ++i) {
    int32_t axis = 0;
    ER_TRY(er_want_axis(plan, node, er_vec_i32(axes, i), input->rank, &axis));
    named[axis] = true;
  }
  for (int32_t d = 0; d < input->rank; ++d) {
    if (named[d] && input->dims[d] != 1) {
      return er_plan_fail(plan, node, EDGERT_MALFORMED,
                          "squeezes dimension %d of size %d; only size 1 can go", (int)d,
                          (int)input->dims[d]);
    }
    const bool goes = axes.count > 0 ? named[d] : input->dims[d] == 1;
    if (!goes) dims[rank++] = input->dims[d];
  }
  return er_set_shape_i64(plan, node, 0, rank, dims);
}

static edgert_status prepare_expand_dims(er_plan *plan, er_node *node) {
  int64_t dims[EDGERT_MAX_RANK + 1];
  int32_t axis = 0;
  ER_TRY(er_plan_want_counts(plan, node, 2, 2, 1));
  const er_tensor *input = er_plan_input(plan, node, 0);
  ER_TRY(er_want_same_type(plan, node, input, er_plan_output(plan, node, 0)));
  ER_TRY(er_want_axis_tensor(plan, node, er_plan_input(plan, node, 1), input->rank + 1, &axis));
  for (int32_t d = 0; d <= input->rank; ++d) {
    dims[d] = d == axis ? 1 : input->dims[d < axis ? d : d - 1];
  }
  return er_set_shape_i64(plan, node, 0, input->rank + 1, dims);
}

const er_op er_op_reshape = {
    .builtin = 22, .name = "RESHAPE", .prepare = prepare_reshape, .run = run_copy, .alias = true};
const er_op er_op_squeeze = {
    .builtin = 43, .name = "SQUEEZE", .prepare = prepare_squeeze, .run = run_copy, .alias = true};
const er_op er_op_expand_dims = {.builtin = 70,
                                 .name = "EXPAND_DIMS",
                                 .prepare = prepare_expand_dims,
                                 .run = run_copy,
                                 .alias = true};
