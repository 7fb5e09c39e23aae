/* SPLIT, SPLIT_V, UNPACK: parts of one input along an axis; PACK: the way back. */
#include "move.h"
#include "shape.h"

/* A part of the split tensor: `outer` blocks of `inner` elements, `whole` apart, from `at` on. */
typedef struct er_part {
  int64_t outer, inner, whole, at;
} er_part;

static edgert_status want_outputs(er_plan *plan, const er_node *node, int64_t listed) {
  if (listed == node->output_count) return EDGERT_OK;
  return er_plan_fail(plan, node, EDGERT_MALFORMED, "is split into %lld parts but has %d outputs",
                      (long long)listed, (int)node->output_count);
}

static edgert_status want_movable(er_plan *plan, const er_node *node, const er_tensor *input) {
  ER_TRY(er_want_whole_bytes(plan, node, input));
  for (int32_t i = 0; i < node->output_count; ++i) {
    ER_TRY(er_want_same_type(plan, node, input, er_plan_output(plan, node, i)));
  }
  return EDGERT_OK;
}

static void take(er_copy *copy, int32_t input, int32_t output, int64_t element_bytes,
                 er_part part) {
  er_move_between(copy, input, output, element_bytes);
  copy->in_offset = part.at * element_bytes;
  er_move_along(copy, part.outer, part.whole, part.inner);
  er_move_along(copy, part.inner, 1, 1);
  er_move_finish(copy);
}

/* Cut input number `from` along `axis` into parts of the given sizes.
 * @param size [output_count] */
static edgert_status cut(er_plan *plan, er_node *node, int32_t from, int32_t axis,
                         const int64_t *size) {
  const er_tensor *input = er_plan_input(plan, node, from);
  const int64_t inner = er_product(input, axis + 1, input->rank);
  er_part part = {.outer = er_product(input, 0, axis), .whole = inner * input->dims[axis]};
  er_copy *copies = NULL;
  int64_t dims[EDGERT_MAX_RANK];
  ER_TRY(er_move_begin(plan, node, node->output_count, &copies));
  for (int32_t i = 0; i < node->output_count; ++i) {
    for (int32_t d = 0; d < input->rank; ++d) dims[d] = d == axis ? size[i] : input->dims[d];
    ER_TRY(er_set_shape_i64(plan, node, i, input->rank, dims));
    part.inner = size[i] * inner;
    take(&copies[i], from, i, er_element_bytes(input), part);
    part.at += part.inner;
  }
  return EDGERT_OK;
}

static edgert_status prepare_split(er_plan *plan, er_node *node) {
  int32_t axis = 0;
  ER_TRY(er_plan_want_counts(plan, node, 2, 2, node->output_count));
  const er_tensor *input = er_plan_input(plan, node, 1);
  ER_TRY(want_movable(plan, node, input));
  ER_TRY(er_want_axis_tensor(plan, node, er_plan_input(plan, node, 0), input->rank, &axis));
  ER_TRY(want_outputs(plan, node, er_i32(node->options, 0, 0)));
  if (node->output_count < 1 || input->dims[axis] % node->output_count != 0) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED, "cannot split a dimension of %d into %d",
                        (int)input->dims[axis], (int)node->output_count);
  }
  int64_t *size = er_plan_alloc(plan, (size_t)node->output_count * sizeof *size);
  if (size == NULL) return er_plan_no_memory(plan);
  for (int32_t i = 0; i < node->output_count; ++i) size[i] = input->dims[axis] / node->output_count;
  return cut(plan, node, 1, axis, size);
}

/* Read the sizes, replacing the one -1 by the rest; they must add up to `whole`. */
static edgert_status read_sizes(er_plan *plan, const er_node *node, const er_tensor *sizes,
                                int64_t whole, int64_t *size) {
  int64_t sum = 0;
  int32_t rest = -1;
  for (int32_t i = 0; i < node->output_count; ++i) {
    size[i] = er_constant_at(sizes, i);
    if (size[i] == -1 && rest < 0) {
      rest = i;
    } else if (size[i] < 1 || size[i] > whole - sum) {
      return er_plan_fail(plan, node, EDGERT_MALFORMED,
                          "part %d has size %lld; %lld of %lld elements are left", (int)i,
                          (long long)size[i], (long long)(whole - sum), (long long)whole);
    } else {
      sum += size[i];
    }
  }
  if (rest >= 0) size[rest] = whole - sum;
  if (rest >= 0 ? sum < whole : sum == whole) return EDGERT_OK;
  return er_plan_fail(plan, node, EDGERT_MALFORMED, "its parts add up to %lld of %lld elements",
                      (long long)sum, (long long)whole);
}

static edgert_status prepare_split_v(er_plan *plan, er_node *node) {
  int32_t axis = 0;
  int64_t size[ER_INDEX_MOST];
  ER_TRY(er_plan_want_counts(plan, node, 3, 3, node->output_count));
  const er_tensor *input = er_plan_input(plan, node, 0);
  const er_tensor *sizes = er_plan_input(plan, node, 1);
  ER_TRY(want_movable(plan, node, input));
  ER_TRY(er_want_indices(plan, node, sizes, "sizes"));
  ER_TRY(want_outputs(plan, node, sizes->count));
  ER_TRY(er_want_axis_tensor(plan, node, er_plan_input(plan, node, 2), input->rank, &axis));
  ER_TRY(read_sizes(plan, node, sizes, input->dims[axis], size));
  return cut(plan, node, 0, axis, size);
}

static edgert_status prepare_unpack(er_plan *plan, er_node *node) {
  int32_t axis = 0;
  int32_t dims[EDGERT_MAX_RANK];
  er_copy *copies = NULL;
  ER_TRY(er_plan_want_counts(plan, node, 1, 1, node->output_count));
  const er_tensor *input = er_plan_input(plan, node, 0);
  ER_TRY(want_movable(plan, node, input));
  ER_TRY(er_want_axis(plan, node, er_i32(node->options, 1, 0), input->rank, &axis));
  ER_TRY(want_outputs(plan, node, input->dims[axis]));
  for (int32_t d = 0; d < input->rank - 1; ++d) dims[d] = input->dims[d < axis ? d : d + 1];
  er_part part = {.outer = er_product(input, 0, axis),
                  .inner = er_product(input, axis + 1, input->rank),
                  .whole = er_product(input, axis, input->rank)};
  ER_TRY(er_move_begin(plan, node, node->output_count, &copies));
  for (int32_t i = 0; i < node->output_count; ++i) {
    ER_TRY(er_plan_set_shape(plan, node, i, input->rank - 1, dims));
    part.at = i * part.inner;
    take(&copies[i], 0, i, er_element_bytes(input), part);
  }
  return EDGERT_OK;
}

static edgert_status want_alike(er_plan *plan, const er_node *node, const er_tensor *first,
                                const er_tensor *other) {
  ER_TRY(er_want_same_type(plan, node, first, other));
  bool alike = first->rank == other->rank;
  for (int32_t d = 0; alike && d < first->rank; ++d) alike = first->dims[d] == other->dims[d];
  if (alike) return EDGERT_OK;
  return er_plan_fail(plan, node, EDGERT_MALFORMED, "packs '%s' and '%s' of different shapes",
                      first->name, other->name);
}

static edgert_status prepare_pack(er_plan *plan, er_node *node) {
  const int32_t count = node->input_count;
  int32_t axis = 0;
  int64_t dims[EDGERT_MAX_RANK + 1];
  er_copy *copies = NULL;
  ER_TRY(er_plan_want_counts(plan, node, 1, INT32_MAX, 1));
  const er_tensor *first = er_plan_input(plan, node, 0);
  ER_TRY(want_movable(plan, node, first));
  ER_TRY(er_want_axis(plan, node, er_i32(node->options, 1, 0), first->rank + 1, &axis));
  for (int32_t d = 0; d <= first->rank; ++d) {
    dims[d] = d == axis ? count : first->dims[d < axis ? d : d - 1];
  }
  ER_TRY(er_set_shape_i64(plan, node, 0, first->rank + 1, dims));
  ER_TRY(er_move_begin(plan, node, count, &copies));
  const int64_t outer = er_product(first, 0, axis), inner = first->count / outer;
  for (int32_t i = 0; i < count; ++i) {
    const er_tensor *input = er_plan_input(plan, node, i);
    if (input == NULL) {
      return er_plan_fail(plan, node, EDGERT_MALFORMED, "input %d is left out but required",
                          (int)i);
    }
    ER_TRY(want_alike(plan, node, first, input));
    er_move_between(&copies[i], i, 0, er_element_bytes(first));
    copies[i].out_offset = i * inner * copies[i].block;
    er_move_along(&copies[i], outer, inner, inner * count);
    er_move_along(&copies[i], inner, 1, 1);
    er_move_finish(&copies[i]);
  }
  return EDGERT_OK;
}

const er_op er_op_split = {
    .builtin = 49, .name = "SPLIT", .prepare = prepare_split, .run = er_move_run};
const er_op er_op_split_v = {
    .builtin = 102, .name = "SPLIT_V", .prepare = prepare_split_v, .run = er_move_run};
const er_op er_op_unpack = {
    .builtin = 88, .name = "UNPACK", .prepare = prepare_unpack, .run = er_move_run};
const er_op er_op_pack = {
    .builtin = 83, .name = "PACK", .prepare = prepare_pack, .run = er_move_run};
