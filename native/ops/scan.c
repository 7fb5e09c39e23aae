/* ARG_MAX, ARG_MIN, CUMSUM, TOPK_V2: walks along one axis. */
#include "kernels/kernels.h"
#include "shape.h"

/* Work for one node; `arg`, `cumsum` or `top_k` is the kernel for the input's type. */
typedef struct er_scan {
  er_axis_shape shape;
  er_arg_extreme arg;
  er_cumsum cumsum;
  er_top_k top_k;
  bool largest;            /* ARG_MAX */
  bool exclusive, reverse; /* CUMSUM */
  int32_t k;               /* TOPK_V2 */
} er_scan;

static edgert_status begin(er_plan *plan, er_node *node, const er_tensor *input, int32_t axis,
                           er_scan **scan) {
  *scan = er_plan_alloc(plan, sizeof **scan);
  if (*scan == NULL) return er_plan_no_memory(plan);
  (*scan)->shape = (er_axis_shape){.outer = er_product(input, 0, axis),
                                   .length = input->dims[axis],
                                   .inner = er_product(input, axis + 1, input->rank)};
  node->data = *scan;
  return EDGERT_OK;
}

static edgert_status refuse_type(er_plan *plan, const er_node *node, const er_tensor *input) {
  return er_plan_fail(plan, node, EDGERT_UNSUPPORTED, "is not known for '%s' of type number %d",
                      input->name, (int)input->type);
}

/* ---- ARG_MAX, ARG_MIN ----------------------------------------------------------------------- */

static edgert_status prepare_arg(er_plan *plan, er_node *node, bool largest) {
  const int32_t index_types[] = {EDGERT_INT32, EDGERT_INT64, -1};
  int32_t axis = 0, dims[EDGERT_MAX_RANK];
  er_scan *scan = NULL;
  ER_TRY(er_plan_want_counts(plan, node, 2, 2, 1));
  const er_tensor *input = er_plan_input(plan, node, 0);
  ER_TRY(er_plan_want_type(plan, node, er_plan_output(plan, node, 0), index_types));
  ER_TRY(er_want_axis_tensor(plan, node, er_plan_input(plan, node, 1), input->rank, &axis));
  ER_TRY(begin(plan, node, input, axis, &scan));
  scan->arg = er_plan_kernels(plan)->arg_extreme_for(input->type);
  scan->largest = largest;
  if (scan->arg == NULL) return refuse_type(plan, node, input);
  for (int32_t d = 0; d < input->rank - 1; ++d) dims[d] = input->dims[d < axis ? d : d + 1];
  return er_plan_set_shape(plan, node, 0, input->rank - 1, dims);
}

/* int64 indices are spread out of the int32 ones at the start of the same memory, last first. */
static void widen(int64_t count, void *indices) {
  for (int64_t i = count - 1; i >= 0; --i) {
    const int32_t index = ((const int32_t *)indices)[i];
    ((int64_t *)indices)[i] = index;
  }
}

static edgert_status run_arg(const er_run *run, const er_node *node) {
  const er_scan *scan = node->data;
  scan->arg(&scan->shape, scan->largest, er_in_data(run, node, 0), er_out_data(run, node, 0));
  if (er_out(run, node, 0)->type == EDGERT_INT64) {
    widen(er_out(run, node, 0)->count, er_out_data(run, node, 0));
  }
  return EDGERT_OK;
}

static edgert_status prepare_arg_max(er_plan *plan, er_node *node) {
  return prepare_arg(plan, node, true);
}
static edgert_status prepare_arg_min(er_plan *plan, er_node *node) {
  return prepare_arg(plan, node, false);
}

/* ---- CUMSUM --------------------------------------------------------------------------------- */

static edgert_status prepare_cumsum(er_plan *plan, er_node *node) {
  int32_t axis = 0;
  er_scan *scan = NULL;
  ER_TRY(er_plan_want_counts(plan, node, 2, 2, 1));
  const er_tensor *input = er_plan_input(plan, node, 0);
  ER_TRY(er_want_same_type(plan, node, input, er_plan_output(plan, node, 0)));
  ER_TRY(er_want_axis_tensor(plan, node, er_plan_input(plan, node, 1), input->rank, &axis));
  ER_TRY(begin(plan, node, input, axis, &scan));
  scan->cumsum = er_cumsum_for(input->type);
  scan->exclusive = er_bool(node->options, 0, false);
  scan->reverse = er_bool(node->options, 1, false);
  if (scan->cumsum == NULL) return refuse_type(plan, node, input);
  return er_plan_set_shape(plan, node, 0, input->rank, input->dims);
}

static edgert_status run_cumsum(const er_run *run, const er_node *node) {
  const er_scan *scan = node->data;
  scan->cumsum(&scan->shape, scan->exclusive, scan->reverse, er_in_data(run, node, 0),
               er_out_data(run, node, 0));
  return EDGERT_OK;
}

/* ---- TOPK_V2 -------------------------------------------------------------------------------- */

static edgert_status want_k(er_plan *plan, const er_node *node, int32_t length, int32_t *k) {
  const er_tensor *tensor = er_plan_input(plan, node, 1);
  ER_TRY(er_want_indices(plan, node, tensor, "k"));
  const int64_t value = tensor->count == 1 ? er_constant_at(tensor, 0) : 0;
  *k = (int32_t)value;
  if (value >= 1 && value <= length) return EDGERT_OK;
  return er_plan_fail(plan, node, EDGERT_MALFORMED, "k is %lld; allowed are 1 to %d",
                      (long long)value, (int)length);
}

static edgert_status prepare_top_k(er_plan *plan, er_node *node) {
  const int32_t index_types[] = {EDGERT_INT32, -1};
  int32_t dims[EDGERT_MAX_RANK], k = 0;
  er_scan *scan = NULL;
  ER_TRY(er_plan_want_counts(plan, node, 2, 2, 2));
  const er_tensor *input = er_plan_input(plan, node, 0);
  const int32_t last = input->rank - 1;
  ER_TRY(er_want_same_type(plan, node, input, er_plan_output(plan, node, 0)));
  ER_TRY(er_plan_want_type(plan, node, er_plan_output(plan, node, 1), index_types));
  if (last < 0) return er_plan_fail(plan, node, EDGERT_MALFORMED, "has a scalar as its input");
  ER_TRY(want_k(plan, node, input->dims[last], &k));
  ER_TRY(begin(plan, node, input, last, &scan));
  scan->top_k = er_top_k_for(input->type);
  scan->k = k;
  if (scan->top_k == NULL) return refuse_type(plan, node, input);
  for (int32_t d = 0; d < last; ++d) dims[d] = input->dims[d];
  dims[last] = k;
  node->scratch_bytes = (size_t)k * sizeof(int32_t);
  ER_TRY(er_plan_set_shape(plan, node, 0, input->rank, dims));
  return er_plan_set_shape(plan, node, 1, input->rank, dims);
}

static edgert_status run_top_k(const er_run *run, const er_node *node) {
  const er_scan *scan = node->data;
  scan->top_k(scan->shape.outer, scan->shape.length, scan->k, er_in_data(run, node, 0),
              er_out_data(run, node, 0), er_out_data(run, node, 1), run->scratch);
  return EDGERT_OK;
}

const er_op er_op_topk_v2 = {
    .builtin = 48, .name = "TOPK_V2", .prepare = prepare_top_k, .run = run_top_k};
const er_op er_op_arg_max = {
    .builtin = 56, .name = "ARG_MAX", .prepare = prepare_arg_max, .run = run_arg};
const er_op er_op_arg_min = {
    .builtin = 79, .name = "ARG_MIN", .prepare = prepare_arg_min, .run = run_arg};
const er_op er_op_cumsum = {
    .builtin = 128, .name = "CUMSUM", .prepare = prepare_cumsum, .run = run_cumsum};
