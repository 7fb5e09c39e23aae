/* GATHER, GATHER_ND: rows of the input, named by indices. Indices are checked when they are used.
 */
#include <string.h>

#include "kernels/copy.h"
#include "shape.h"

/* Row i of block b comes from row index[b / share * count + i] of the `rows` rows of block b. */
typedef struct er_gather {
  int64_t blocks; /* batch * outer */
  int64_t share;  /* blocks that use one list of indices */
  int64_t rows;   /* of a block of the input: what an index may name */
  int64_t count;  /* indices in a list: rows of a block of the output */
  int64_t bytes;  /* of a row */
} er_gather;

static edgert_status want_index_type(er_plan *plan, const er_node *node, const er_tensor *index) {
  const int32_t types[] = {EDGERT_INT32, EDGERT_INT64, -1};
  return er_plan_want_type(plan, node, index, types);
}

static edgert_status want_batch_dims(er_plan *plan, const er_node *node, const er_tensor *input,
                                     const er_tensor *index, int32_t axis, int32_t *batch_dims) {
  int32_t count = er_i32(node->options, 1, 0);
  if (count < 0) count += index->rank;
  bool fits = count >= 0 && count <= axis && count <= index->rank;
  for (int32_t d = 0; fits && d < count; ++d) fits = input->dims[d] == index->dims[d];
  *batch_dims = count;
  if (fits) return EDGERT_OK;
  return er_plan_fail(plan, node, EDGERT_MALFORMED,
                      "batch_dims is %d: the indices must share that many dimensions with the "
                      "input, and the axis %d must follow them",
                      (int)count, (int)axis);
}

static edgert_status prepare_gather(er_plan *plan, er_node *node) {
  int32_t axis = 0, batch = 0;
  int64_t dims[2 * EDGERT_MAX_RANK];
  ER_TRY(er_plan_want_counts(plan, node, 2, 2, 1));
  const er_tensor *input = er_plan_input(plan, node, 0), *index = er_plan_input(plan, node, 1);
  ER_TRY(er_want_whole_bytes(plan, node, input));
  ER_TRY(er_want_same_type(plan, node, input, er_plan_output(plan, node, 0)));
  ER_TRY(want_index_type(plan, node, index));
  ER_TRY(er_want_axis(plan, node, er_i32(node->options, 0, 0), input->rank, &axis));
  ER_TRY(want_batch_dims(plan, node, input, index, axis, &batch));
  int32_t rank = 0;
  for (int32_t d = 0; d < axis; ++d) dims[rank++] = input->dims[d];
  for (int32_t d = batch; d < index->rank; ++d) dims[rank++] = index->dims[d];
  for (int32_t d = axis + 1; d < input->rank; ++d) dims[rank++] = input->dims[d];
  ER_TRY(er_set_shape_i64(plan, node, 0, rank, dims));
  er_gather *gather = er_plan_alloc(plan, sizeof *gather);
  if (gather == NULL) return er_plan_no_memory(plan);
  gather->share = er_product(input, batch, axis);
  gather->blocks = er_product(input, 0, axis);
  gather->rows = input->dims[axis];
  gather->count = er_product(index, batch, index->rank);
  gather->bytes = er_product(input, axis + 1, input->rank) * er_element_bytes(input);
  node->data = gather;
  return EDGERT_OK;
}

static edgert_status fail_index(const er_run *run, const er_node *node, int64_t index,
                                int64_t rows) {
  return er_run_fail(run, node, "index %lld is outside [0, %lld)", (long long)index,
                     (long long)rows);
}

/* Blocks that meet one list of indices are so many that each row is taken out of all at once, but
 * no more than the cache holds. */
static int64_t blocks_at_once(const er_gather *gather) {
  enum { BYTES = 16 * 1024 };
  const int64_t bytes = gather->rows * gather->bytes, fitting = bytes < BYTES ? BYTES / bytes : 1;
  return fitting < gather->share ? fitting : gather->share;
}

/* Blocks [first, last), which meet one list of indices. */
static edgert_status run_blocks(const er_run *run, const er_node *node, int64_t first,
                                int64_t last) {
  const er_gather *gather = node->data;
  const void *index = er_in_data(run, node, 1);
  const edgert_type type = er_in(run, node, 1)->type;
  er_copy copy = {.rank = 1, .block = gather->bytes, .dims = {last - first}};
  copy.in_stride[0] = gather->rows * gather->bytes;
  copy.out_stride[0] = gather->count * gather->bytes;
  for (int64_t i = 0; i < gather->count; ++i) {
    const int64_t row = er_index_at(index, type, first / gather->share * gather->count + i);
    if (row < 0 || row >= gather->rows) return fail_index(run, node, row, gather->rows);
    copy.in_offset = first * copy.in_stride[0] + row * gather->bytes;
    copy.out_offset = first * copy.out_stride[0] + i * gather->bytes;
    er_copy_strided(&copy, 0, last - first, er_out_data(run, node, 0), er_in_data(run, node, 0));
  }
  return EDGERT_OK;
}

static edgert_status run_gather(const er_run *run, const er_node *node) {
  const er_gather *gather = node->data;
  const int64_t step = blocks_at_once(gather);
  for (int64_t first = 0, last; first < gather->blocks; first = last) {
    const int64_t of_list = (first / gather->share + 1) * gather->share;
    last = first + step < of_list ? first + step : of_list;
    ER_TRY(run_blocks(run, node, first, last));
  }
  return EDGERT_OK;
}

/* ---- GATHER_ND ---------------------------------------------------------------------------- */

/* Each row of indices names one slice of the input by its first `depth` coordinates. */
typedef struct er_gather_nd {
  int64_t count; /* rows of indices */
  int32_t depth;
  int64_t size[EDGERT_MAX_RANK];   /* of the dimensions that are named */
  int64_t stride[EDGERT_MAX_RANK]; /* bytes */
  int64_t bytes;                   /* of a slice */
} er_gather_nd;

static edgert_status prepare_gather_nd(er_plan *plan, er_node *node) {
  int64_t dims[2 * EDGERT_MAX_RANK], stride[EDGERT_MAX_RANK];
  ER_TRY(er_plan_want_counts(plan, node, 2, 2, 1));
  const er_tensor *input = er_plan_input(plan, node, 0), *index = er_plan_input(plan, node, 1);
  ER_TRY(er_want_whole_bytes(plan, node, input));
  ER_TRY(er_want_same_type(plan, node, input, er_plan_output(plan, node, 0)));
  ER_TRY(want_index_type(plan, node, index));
  const int32_t depth = index->rank > 0 ? index->dims[index->rank - 1] : 0;
  if (depth < 1 || depth > input->rank) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED,
                        "its indices have %d coordinates for an input of rank %d", (int)depth,
                        (int)input->rank);
  }
  int32_t rank = 0;
  for (int32_t d = 0; d < index->rank - 1; ++d) dims[rank++] = index->dims[d];
  for (int32_t d = depth; d < input->rank; ++d) dims[rank++] = input->dims[d];
  ER_TRY(er_set_shape_i64(plan, node, 0, rank, dims));
  er_gather_nd *gather = er_plan_alloc(plan, sizeof *gather);
  if (gather == NULL) return er_plan_no_memory(plan);
  er_strides(input, stride);
  gather->depth = depth;
  gather->count = index->count / depth;
  for (int32_t d = 0; d < depth; ++d) {
    gather->size[d] = input->dims[d];
    gather->stride[d] = stride[d] * er_element_bytes(input);
  }
  gather->bytes = gather->stride[depth - 1];
  node->data = gather;
  return EDGERT_OK;
}

static edgert_status run_gather_nd(const er_run *run, const er_node *node) {
  const er_gather_nd *gather = node->data;
  const edgert_type type = er_in(run, node, 1)->type;
  const void *index = er_in_data(run, node, 1);
  uint8_t *output = er_out_data(run, node, 0);
  for (int64_t i = 0; i < gather->count; ++i) {
    const uint8_t *slice = er_in_data(run, node, 0);
    for (int32_t d = 0; d < gather->depth; ++d) {
      const int64_t at = er_index_at(index, type, i * gather->depth + d);
      if (at < 0 || at >= gather->size[d]) return fail_index(run, node, at, gather->size[d]);
      slice += at * gather->stride[d];
    }
    memcpy(output, slice, (size_t)gather->bytes);
    output += gather->bytes;
  }
  return EDGERT_OK;
}

const er_op er_op_gather = {
    .builtin = 36, .name = "GATHER", .prepare = prepare_gather, .run = run_gather};
const er_op er_op_gather_nd = {
    .builtin = 107, .name = "GATHER_ND", .prepare = prepare_gather_nd, .run = run_gather_nd};
