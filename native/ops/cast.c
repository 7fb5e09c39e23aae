/* CAST: elements of another type. */
#include "kernels/kernels.h"
#include "shape.h"

static edgert_status want_castable(er_plan *plan, const er_node *node, const er_tensor *tensor) {
  if (er_can_cast(tensor->type)) return EDGERT_OK;
  return er_plan_fail(plan, node, EDGERT_UNSUPPORTED,
                      "cannot convert tensor '%s' with element type number %d", tensor->name,
                      (int)tensor->type);
}

static edgert_status prepare(er_plan *plan, er_node *node) {
  ER_TRY(er_plan_want_counts(plan, node, 1, 1, 1));
  const er_tensor *input = er_plan_input(plan, node, 0);
  ER_TRY(want_castable(plan, node, input));
  ER_TRY(want_castable(plan, node, er_plan_output(plan, node, 0)));
  return er_plan_set_shape(plan, node, 0, input->rank, input->dims);
}

static edgert_status run(const er_run *run, const er_node *node) {
  const er_tensor *input = er_in(run, node, 0), *output = er_out(run, node, 0);
  run->kernels->cast(input->count, input->type, er_in_data(run, node, 0), output->type,
                     er_out_data(run, node, 0));
  return EDGERT_OK;
}

const er_op er_op_cast = {.builtin = 53, .name = "CAST", .prepare = prepare, .run = run};
