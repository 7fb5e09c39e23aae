/* SLICE: `size` elements from `begin` on, along each dimension. The sizes are constant; where the
 * part begins may be computed while running. */
#include "move.h"
#include "shape.h"

typedef struct er_window {
  er_copy copy; /* of a part that begins at 0 */
  int32_t rank;
  int64_t most[EDGERT_MAX_RANK];   /* largest begin that fits */
  int64_t stride[EDGERT_MAX_RANK]; /* bytes */
} er_window;

static edgert_status want_begin(er_plan *plan, const er_node *node, const er_tensor *begin,
                                int32_t rank) {
  const int32_t types[] = {EDGERT_INT32, EDGERT_INT64, -1};
  ER_TRY(er_plan_want_type(plan, node, begin, types));
  if (begin->count == rank) return EDGERT_OK;
  return er_plan_fail(plan, node, EDGERT_MALFORMED,
                      "begin has %lld entries for an input of rank %d", (long long)begin->count,
                      (int)rank);
}

/* Size -1 is all that follows begin, which then must be constant. */
static edgert_status size_along(er_plan *plan, const er_node *node, int32_t d, int64_t *size) {
  const er_tensor *input = er_plan_input(plan, node, 0);
  const er_tensor *begin = er_plan_input(plan, node, 1);
  const int64_t start = begin->constant != NULL ? er_constant_at(begin, d) : 0;
  *size = er_constant_at(er_plan_input(plan, node, 2), d);
  if (*size == -1) {
    ER_TRY(er_want_indices(plan, node, begin, "begin"));
    *size = input->dims[d] - start;
  }
  if (start < 0 || *size < 1 || *size > input->dims[d] - start) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED,
                        "takes %lld elements from %lld on, of %d in dimension %d", (long long)*size,
                        (long long)start, (int)input->dims[d], (int)d);
  }
  return EDGERT_OK;
}

static edgert_status prepare(er_plan *plan, er_node *node) {
  int64_t dims[EDGERT_MAX_RANK];
  ER_TRY(er_plan_want_counts(plan, node, 3, 3, 1));
  const er_tensor *input = er_plan_input(plan, node, 0);
  const er_tensor *size = er_plan_input(plan, node, 2);
  ER_TRY(er_want_whole_bytes(plan, node, input));
  ER_TRY(er_want_same_type(plan, node, input, er_plan_output(plan, node, 0)));
  ER_TRY(er_want_indices(plan, node, size, "size"));
  ER_TRY(want_begin(plan, node, size, input->rank));
  ER_TRY(want_begin(plan, node, er_plan_input(plan, node, 1), input->rank));
  for (int32_t d = 0; d < input->rank; ++d) ER_TRY(size_along(plan, node, d, &dims[d]));
  ER_TRY(er_set_shape_i64(plan, node, 0, input->rank, dims));
  er_window *window = er_plan_alloc(plan, sizeof *window);
  if (window == NULL) return er_plan_no_memory(plan);
  er_move_between(&window->copy, 0, 0, er_element_bytes(input));
  window->rank = input->rank;
  er_strides(input, window->stride);
  int64_t out_stride = er_plan_output(plan, node, 0)->count;
  for (int32_t d = 0; d < input->rank; ++d) {
    out_stride /= dims[d];
    er_move_along(&window->copy, dims[d], window->stride[d], out_stride);
    window->most[d] = input->dims[d] - dims[d];
    window->stride[d] *= window->copy.block;
  }
  er_move_finish(&window->copy);
  node->data = window;
  return EDGERT_OK;
}

static edgert_status run(const er_run *run, const er_node *node) {
  const er_window *window = node->data;
  er_copy copy = window->copy;
  for (int32_t d = 0; d < window->rank; ++d) {
    const int64_t begin = er_index_at(er_in_data(run, node, 1), er_in(run, node, 1)->type, d);
    if (begin < 0 || begin > window->most[d]) {
      return er_run_fail(run, node, "begins at %lld in dimension %d; allowed are 0 to %lld",
                         (long long)begin, (int)d, (long long)window->most[d]);
    }
    copy.in_offset += begin * window->stride[d];
  }
  er_move_once(run, &copy, er_out_data(run, node, 0), er_in_data(run, node, 0));
  return EDGERT_OK;
}

const er_op er_op_slice = {.builtin = 65, .name = "SLICE", .prepare = prepare, .run = run};
