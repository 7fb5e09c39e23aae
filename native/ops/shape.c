#include "shape.h"

#include <string.h>

#include "schema.h"

edgert_status er_want_whole_bytes(er_plan *plan, const er_node *node, const er_tensor *tensor) {
  switch (tensor->type) {
    case EDGERT_INT4:
    case EDGERT_STRING:
    case EDGERT_RESOURCE:
    case EDGERT_VARIANT:
      return er_plan_fail(plan, node, EDGERT_UNSUPPORTED,
                          "moves whole bytes, but tensor '%s' has element type number %d",
                          tensor->name, (int)tensor->type);
    default:
      return EDGERT_OK;
  }
}

/* By the type: a tensor whose shape is not known yet has no elements. */
int64_t er_element_bytes(const er_tensor *tensor) { return er_type_bits(tensor->type) / 8; }

edgert_status er_want_same_type(er_plan *plan, const er_node *node, const er_tensor *a,
                                const er_tensor *b) {
  if (a->type == b->type) return EDGERT_OK;
  return er_plan_fail(plan, node, EDGERT_MALFORMED,
                      "needs one element type, but '%s' has type number %d and '%s' has %d",
                      a->name, (int)a->type, b->name, (int)b->type);
}

/* Require a constant tensor of whole numbers. */
static edgert_status want_numbers(er_plan *plan, const er_node *node, const er_tensor *tensor,
                                  const char *what) {
  const int32_t types[] = {EDGERT_INT32, EDGERT_INT64, -1};
  if (tensor == NULL) return er_plan_fail(plan, node, EDGERT_MALFORMED, "has no %s", what);
  ER_TRY(er_plan_want_type(plan, node, tensor, types));
  if (tensor->constant != NULL) return EDGERT_OK;
  return er_plan_fail(plan, node, EDGERT_UNSUPPORTED,
                      "its %s '%s' is computed while running; it must be constant, because all "
                      "shapes are planned before the first run",
                      what, tensor->name);
}

edgert_status er_want_indices(er_plan *plan, const er_node *node, const er_tensor *tensor,
                              const char *what) {
  ER_TRY(want_numbers(plan, node, tensor, what));
  if (tensor->rank <= 1 && tensor->count <= ER_INDEX_MOST) return EDGERT_OK;
  return er_plan_fail(plan, node, EDGERT_MALFORMED,
                      "its %s '%s' has rank %d and %lld elements; at most rank 1 and %d elements "
                      "are allowed",
                      what, tensor->name, (int)tensor->rank, (long long)tensor->count,
                      ER_INDEX_MOST);
}

edgert_status er_want_pairs(er_plan *plan, const er_node *node, const er_tensor *tensor,
                            int32_t count) {
  ER_TRY(want_numbers(plan, node, tensor, "list of paddings"));
  if (tensor->rank == 2 && tensor->dims[0] == count && tensor->dims[1] == 2) return EDGERT_OK;
  return er_plan_fail(plan, node, EDGERT_MALFORMED,
                      "needs paddings of shape [%d, 2]; '%s' has %lld elements", (int)count,
                      tensor->name, (long long)tensor->count);
}

int64_t er_index_at(const void *data, edgert_type type, int64_t i) {
  return type == EDGERT_INT64 ? ((const int64_t *)data)[i] : ((const int32_t *)data)[i];
}

int64_t er_constant_at(const er_tensor *tensor, int64_t i) {
  return er_index_at(tensor->constant, tensor->type, i);
}

edgert_status er_want_axis(er_plan *plan, const er_node *node, int64_t value, int32_t rank,
                           int32_t *axis) {
  if (value < -(int64_t)rank || value >= rank) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED, "axis %lld is outside [-%d, %d)",
                        (long long)value, (int)rank, (int)rank);
  }
  *axis = (int32_t)(value < 0 ? value + rank : value);
  return EDGERT_OK;
}

edgert_status er_want_axis_tensor(er_plan *plan, const er_node *node, const er_tensor *tensor,
                                  int32_t rank, int32_t *axis) {
  ER_TRY(er_want_indices(plan, node, tensor, "axis"));
  if (tensor->count != 1) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED, "its axis '%s' has %lld elements, not 1",
                        tensor->name, (long long)tensor->count);
  }
  return er_want_axis(plan, node, er_constant_at(tensor, 0), rank, axis);
}

edgert_status er_want_axes(er_plan *plan, const er_node *node, const er_tensor *tensor,
                           int32_t rank, bool chosen[EDGERT_MAX_RANK]) {
  ER_TRY(er_want_indices(plan, node, tensor, "list of axes"));
  memset(chosen, 0, EDGERT_MAX_RANK * sizeof *chosen);
  for (int64_t i = 0; i < tensor->count; ++i) {
    int32_t axis = 0;
    ER_TRY(er_want_axis(plan, node, er_constant_at(tensor, i), rank, &axis));
    chosen[axis] = true;
  }
  return EDGERT_OK;
}

int64_t er_product(const er_tensor *tensor, int32_t first, int32_t last) {
  int64_t product = 1;
  for (int32_t d = first; d < last; ++d) product *= tensor->dims[d];
  return product;
}

void er_strides(const er_tensor *tensor, int64_t stride[EDGERT_MAX_RANK]) {
  int64_t step = 1;
  for (int32_t d = tensor->rank - 1; d >= 0; --d) {
    stride[d] = step;
    step *= tensor->dims[d];
  }
}

edgert_status er_set_shape_i64(er_plan *plan, const er_node *node, int32_t i, int32_t rank,
                               const int64_t *dims) {
  int32_t narrow[EDGERT_MAX_RANK];
  if (rank > EDGERT_MAX_RANK) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED, "makes a tensor of rank %d; at most %d",
                        (int)rank, EDGERT_MAX_RANK);
  }
  for (int32_t d = 0; d < rank; ++d) {
    if (dims[d] < 1 || dims[d] > INT32_MAX) {
      return er_plan_fail(plan, node, EDGERT_MALFORMED,
                          "makes a dimension %d of %lld; allowed are 1 to 2147483647", (int)d,
                          (long long)dims[d]);
    }
    narrow[d] = (int32_t)dims[d];
  }
  return er_plan_set_shape(plan, node, i, rank, narrow);
}
