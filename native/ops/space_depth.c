/* SPACE_TO_DEPTH, DEPTH_TO_SPACE: [n, h * b, w * b, c] <-> [n, h, w, b * b * c]. */
#include "move.h"
#include "shape.h"

/* Declare the output and describe the copy. h, w and c are those of the view [n, h, b, w, b, c] of
 * the large image. */
static edgert_status describe(er_plan *plan, er_node *node, int64_t b, const int64_t *dims,
                              bool to_depth) {
  er_copy *copy = NULL;
  const er_tensor *input = er_plan_input(plan, node, 0);
  const er_tensor *output = er_plan_output(plan, node, 0);
  ER_TRY(er_set_shape_i64(plan, node, 0, 4, dims));
  const er_tensor *large = to_depth ? input : output;
  const int64_t h = large->dims[1] / b, w = large->dims[2] / b, c = large->dims[3];
  /* steps along n, h, b, w, b, c in the large image and in the deep one */
  const int64_t count[] = {large->dims[0], h, b, w, b, c};
  const int64_t wide[] = {h * w * b * b * c, w * b * b * c, w * b * c, b * c, c, 1};
  const int64_t deep[] = {h * w * b * b * c, w * b * b * c, b * c, b * b * c, c, 1};
  ER_TRY(er_move_begin(plan, node, 1, &copy));
  er_move_between(copy, 0, 0, er_element_bytes(input));
  for (int32_t d = 0; d < 6; ++d) {
    er_move_along(copy, count[d], to_depth ? wide[d] : deep[d], to_depth ? deep[d] : wide[d]);
  }
  er_move_finish(copy);
  return EDGERT_OK;
}

static edgert_status want_image(er_plan *plan, const er_node *node, int64_t *block) {
  ER_TRY(er_plan_want_counts(plan, node, 1, 1, 1));
  const er_tensor *input = er_plan_input(plan, node, 0);
  ER_TRY(er_want_whole_bytes(plan, node, input));
  ER_TRY(er_want_same_type(plan, node, input, er_plan_output(plan, node, 0)));
  *block = er_i32(node->options, 0, 0);
  if (input->rank == 4 && *block >= 1 && *block <= INT16_MAX) return EDGERT_OK;
  return er_plan_fail(plan, node, EDGERT_MALFORMED,
                      "takes an input of rank 4 and a block of 1 to 32767, not rank %d and %lld",
                      (int)input->rank, (long long)*block);
}

static edgert_status prepare_space_to_depth(er_plan *plan, er_node *node) {
  int64_t b = 0;
  ER_TRY(want_image(plan, node, &b));
  const er_tensor *input = er_plan_input(plan, node, 0);
  const int32_t *in = input->dims;
  if (in[1] % b != 0 || in[2] % b != 0) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED, "cannot cut %d x %d into blocks of %lld",
                        (int)in[1], (int)in[2], (long long)b);
  }
  const int64_t dims[] = {in[0], in[1] / b, in[2] / b, in[3] * b * b};
  return describe(plan, node, b, dims, true);
}

static edgert_status prepare_depth_to_space(er_plan *plan, er_node *node) {
  int64_t b = 0;
  ER_TRY(want_image(plan, node, &b));
  const int32_t *in = er_plan_input(plan, node, 0)->dims;
  if (in[3] % (b * b) != 0) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED, "cannot spread %d channels over %lld x %lld",
                        (int)in[3], (long long)b, (long long)b);
  }
  const int64_t dims[] = {in[0], in[1] * b, in[2] * b, in[3] / (b * b)};
  return describe(plan, node, b, dims, false);
}

const er_op er_op_space_to_depth = {
    .builtin = 26, .name = "SPACE_TO_DEPTH", .prepare = prepare_space_to_depth, .run = er_move_run};
const er_op er_op_depth_to_space = {
    .builtin = 5, .name = "DEPTH_TO_SPACE", .prepare = prepare_depth_to_space, .run = er_move_run};
