/* ONE_HOT: index i becomes `depth` elements, on at place i and off elsewhere. */
#include <string.h>

#include "shape.h"

typedef struct er_one_hot {
  int64_t outer, depth, inner; /* output [outer, depth, inner], indices [outer, inner] */
  int64_t element_bytes;
} er_one_hot;

enum { INDICES, DEPTH, ON, OFF };

static edgert_status want_depth(er_plan *plan, const er_node *node, int64_t *depth) {
  const er_tensor *tensor = er_plan_input(plan, node, DEPTH);
  ER_TRY(er_want_indices(plan, node, tensor, "depth"));
  *depth = tensor->count == 1 ? er_constant_at(tensor, 0) : 0;
  if (*depth >= 1 && *depth <= INT32_MAX) return EDGERT_OK;
  return er_plan_fail(plan, node, EDGERT_MALFORMED, "its depth is %lld", (long long)*depth);
}

static edgert_status want_values(er_plan *plan, const er_node *node) {
  const er_tensor *output = er_plan_output(plan, node, 0);
  ER_TRY(er_want_whole_bytes(plan, node, output));
  for (int32_t i = ON; i <= OFF; ++i) {
    const er_tensor *value = er_plan_input(plan, node, i);
    ER_TRY(er_want_same_type(plan, node, value, output));
    if (value->count != 1) {
      return er_plan_fail(plan, node, EDGERT_MALFORMED, "'%s' has %lld elements instead of 1",
                          value->name, (long long)value->count);
    }
  }
  return EDGERT_OK;
}

static edgert_status prepare(er_plan *plan, er_node *node) {
  const int32_t types[] = {EDGERT_INT32, EDGERT_INT64, -1};
  int64_t depth = 0, dims[EDGERT_MAX_RANK + 1];
  int32_t axis = 0;
  ER_TRY(er_plan_want_counts(plan, node, 4, 4, 1));
  const er_tensor *indices = er_plan_input(plan, node, INDICES);
  ER_TRY(er_plan_want_type(plan, node, indices, types));
  ER_TRY(want_depth(plan, node, &depth));
  ER_TRY(want_values(plan, node));
  ER_TRY(er_want_axis(plan, node, er_i32(node->options, 0, 0), indices->rank + 1, &axis));
  for (int32_t d = 0; d <= indices->rank; ++d) {
    dims[d] = d == axis ? depth : indices->dims[d < axis ? d : d - 1];
  }
  ER_TRY(er_set_shape_i64(plan, node, 0, indices->rank + 1, dims));
  er_one_hot *hot = er_plan_alloc(plan, sizeof *hot);
  if (hot == NULL) return er_plan_no_memory(plan);
  hot->outer = er_product(indices, 0, axis);
  hot->inner = er_product(indices, axis, indices->rank);
  hot->depth = depth;
  hot->element_bytes = er_element_bytes(er_plan_output(plan, node, 0));
  node->data = hot;
  return EDGERT_OK;
}

/* An index outside of [0, depth) gives a vector without an on value. */
static edgert_status run(const er_run *run, const er_node *node) {
  const er_one_hot *hot = node->data;
  const size_t bytes = (size_t)hot->element_bytes;
  const void *indices = er_in_data(run, node, INDICES);
  const edgert_type type = er_in(run, node, INDICES)->type;
  uint8_t *output = er_out_data(run, node, 0);
  for (int64_t o = 0; o < hot->outer; ++o) {
    for (int64_t d = 0; d < hot->depth; ++d) {
      for (int64_t i = 0; i < hot->inner; ++i, output += bytes) {
        const bool on = er_index_at(indices, type, o * hot->inner + i) == d;
        memcpy(output, er_in_data(run, node, on ? ON : OFF), bytes);
      }
    }
  }
  return EDGERT_OK;
}

const er_op er_op_one_hot = {.builtin = 85, .name = "ONE_HOT", .prepare = prepare, .run = run};
