/* STRIDED_SLICE: begin:end:stride along each dimension, with the masks of the TFLite schema. */
#include "move.h"
#include "shape.h"

/* The operator's options and index lists; bit i of a mask is about entry i of the lists. */
typedef struct er_spec {
  const er_tensor *begin, *end, *strides;
  int32_t count; /* entries */
  int32_t begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_mask;
  bool end_is_offset;
} er_spec;

/* The elements that one input dimension gives. */
typedef struct er_range_along {
  int64_t first, step, count;
} er_range_along;

/* What is being built: the output's shape and the copy that fills it. */
typedef struct er_slice {
  int32_t rank;
  int64_t dims[ER_COPY_RANK];
  er_range_along along[EDGERT_MAX_RANK]; /* by input dimension */
} er_slice;

static bool bit(int32_t mask, int32_t i) { return (mask >> i & 1) != 0; }

static edgert_status read_spec(er_plan *plan, const er_node *node, er_spec *spec) {
  const er_tensor **const lists[] = {&spec->begin, &spec->end, &spec->strides};
  static const char *const names[] = {"begin", "end", "strides"};
  for (int32_t i = 0; i < 3; ++i) {
    *lists[i] = er_plan_input(plan, node, i + 1);
    ER_TRY(er_want_indices(plan, node, *lists[i], names[i]));
    if ((*lists[i])->count != spec->begin->count || spec->begin->count > ER_COPY_RANK) {
      return er_plan_fail(plan, node, EDGERT_MALFORMED,
                          "begin, end and strides need one length of at most %d", ER_COPY_RANK);
    }
  }
  spec->count = (int32_t)spec->begin->count;
  spec->begin_mask = er_i32(node->options, 0, 0);
  spec->end_mask = er_i32(node->options, 1, 0);
  spec->ellipsis_mask = er_i32(node->options, 2, 0);
  spec->new_axis_mask = er_i32(node->options, 3, 0);
  spec->shrink_mask = er_i32(node->options, 4, 0);
  spec->end_is_offset = er_bool(node->options, 5, false);
  return EDGERT_OK;
}

static int64_t clamp(int64_t value, int64_t low, int64_t high) {
  return value < low ? low : value > high ? high : value;
}

/* An index that may count from the end, clamped to where a walk with this step may start or end. */
static int64_t bound(int64_t value, int64_t size, int64_t step) {
  const int64_t from_start = value < 0 ? value + size : value;
  return step > 0 ? clamp(from_start, 0, size) : clamp(from_start, -1, size - 1);
}

static edgert_status shrink(er_plan *plan, const er_node *node, int64_t first, int64_t size,
                            er_range_along *along) {
  if (first < 0 || first >= size) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED, "index %lld is outside [0, %lld)",
                        (long long)first, (long long)size);
  }
  *along = (er_range_along){first, 1, 1};
  return EDGERT_OK;
}

/* What entry i of the lists takes from a dimension of `size`. */
static edgert_status range_of(er_plan *plan, const er_node *node, const er_spec *spec, int32_t i,
                              int64_t size, er_range_along *along) {
  const int64_t begin = er_constant_at(spec->begin, i);
  const int64_t end = er_constant_at(spec->end, i) + (spec->end_is_offset ? begin : 0);
  const int64_t step = er_constant_at(spec->strides, i);
  const bool from_edge = bit(spec->begin_mask, i);
  if (step == 0 || step > INT32_MAX || step < -INT32_MAX) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED, "stride %d is %lld", (int)i, (long long)step);
  }
  if (bit(spec->shrink_mask, i)) {
    return shrink(plan, node, from_edge ? 0 : begin < 0 ? begin + size : begin, size, along);
  }
  const int64_t first = from_edge ? (step > 0 ? 0 : size - 1) : bound(begin, size, step);
  const int64_t last = bit(spec->end_mask, i) ? (step > 0 ? size : -1) : bound(end, size, step);
  const int64_t length = step > 0 ? last - first : first - last;
  const int64_t stride = step > 0 ? step : -step;
  *along = (er_range_along){first, step, (length + stride - 1) / stride};
  if (length <= 0) {
    return er_plan_fail(plan, node, EDGERT_UNSUPPORTED,
                        "takes nothing from a dimension of %lld; empty tensors are not supported",
                        (long long)size);
  }
  return EDGERT_OK;
}

/* Input dimensions that an ellipsis stands for: those that no entry names. */
static int32_t ellipsis_length(const er_spec *spec, int32_t rank) {
  int32_t named = 0;
  for (int32_t i = 0; i < spec->count; ++i) {
    if (!bit(spec->ellipsis_mask, i) && !bit(spec->new_axis_mask, i)) ++named;
  }
  return rank - named;
}

static void take_whole(er_slice *slice, const er_tensor *input, int32_t first, int32_t count) {
  for (int32_t d = first; d < first + count; ++d) {
    slice->along[d] = (er_range_along){0, 1, input->dims[d]};
    slice->dims[slice->rank++] = input->dims[d];
  }
}

static edgert_status take_entries(er_plan *plan, const er_node *node, const er_spec *spec,
                                  const er_tensor *input, er_slice *slice) {
  const int32_t whole = ellipsis_length(spec, input->rank);
  int32_t d = 0; /* input dimension */
  if (whole < 0 || (spec->ellipsis_mask & (spec->ellipsis_mask - 1)) != 0) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED,
                        "its index lists do not fit an input of rank %d", (int)input->rank);
  }
  for (int32_t i = 0; i < spec->count; ++i) {
    if (bit(spec->ellipsis_mask, i)) {
      take_whole(slice, input, d, whole);
      d += whole;
    } else if (bit(spec->new_axis_mask, i)) {
      slice->dims[slice->rank++] = 1;
    } else {
      er_range_along *along = &slice->along[d];
      ER_TRY(range_of(plan, node, spec, i, input->dims[d], along));
      if (!bit(spec->shrink_mask, i)) slice->dims[slice->rank++] = along->count;
      ++d;
    }
  }
  if (d < input->rank) take_whole(slice, input, d, input->rank - d);
  return EDGERT_OK;
}

static edgert_status prepare(er_plan *plan, er_node *node) {
  er_spec spec = {0};
  er_slice slice = {0};
  er_copy *copy = NULL;
  int64_t stride[EDGERT_MAX_RANK];
  ER_TRY(er_plan_want_counts(plan, node, 4, 4, 1));
  const er_tensor *input = er_plan_input(plan, node, 0);
  ER_TRY(er_want_whole_bytes(plan, node, input));
  ER_TRY(er_want_same_type(plan, node, input, er_plan_output(plan, node, 0)));
  ER_TRY(read_spec(plan, node, &spec));
  ER_TRY(take_entries(plan, node, &spec, input, &slice));
  ER_TRY(er_set_shape_i64(plan, node, 0, slice.rank, slice.dims));
  ER_TRY(er_move_begin(plan, node, 1, &copy));
  er_strides(input, stride);
  er_move_between(copy, 0, 0, er_element_bytes(input));
  int64_t out_stride = er_plan_output(plan, node, 0)->count;
  for (int32_t d = 0; d < input->rank; ++d) {
    const er_range_along *along = &slice.along[d];
    copy->in_offset += along->first * stride[d] * copy->block;
    out_stride /= along->count;
    er_move_along(copy, along->count, along->step * stride[d], out_stride);
  }
  er_move_finish(copy);
  return EDGERT_OK;
}

const er_op er_op_strided_slice = {
    .builtin = 45, .name = "STRIDED_SLICE", .prepare = prepare, .run = er_move_run};
