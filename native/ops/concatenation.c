/* CONCATENATION; quantized inputs of another scale are brought to the output's. */
#include <math.h>

#include "activation.h"
#include "kernels/copy.h"
#include "kernels/float.h"
#include "kernels/kernels.h"
#include "shape.h"

/* How one input goes into the output. */
typedef struct er_part {
  size_t in_bytes; /* of one block */
  size_t offset;   /* of the first block in the output */
  int64_t count;
  const uint8_t *table; /* [256] from the input's scale to the output's; NULL: they are the same */
} er_part;

typedef struct er_concat_plan {
  int64_t outer;
  size_t out_stride; /* bytes from block to block in the output */
  er_part parts[];
} er_concat_plan;

enum { SLOT_AXIS, SLOT_ACTIVATION };

static edgert_status check_input(er_plan *plan, const er_node *node, const er_tensor *first,
                                 const er_tensor *input, int32_t axis) {
  ER_TRY(er_want_same_type(plan, node, first, input));
  bool fits = input->rank == first->rank;
  for (int32_t d = 0; fits && d < first->rank; ++d) {
    fits = d == axis || input->dims[d] == first->dims[d];
  }
  if (fits) return EDGERT_OK;
  return er_plan_fail(plan, node, EDGERT_MALFORMED,
                      "joins '%s' and '%s' along dimension %d, but they differ elsewhere",
                      first->name, input->name, (int)axis);
}

static edgert_status declare(er_plan *plan, const er_node *node, int32_t axis) {
  const er_tensor *first = er_plan_input(plan, node, 0);
  int64_t dims[EDGERT_MAX_RANK];
  for (int32_t d = 0; d < first->rank; ++d) dims[d] = first->dims[d];
  for (int32_t i = 1; i < node->input_count; ++i) {
    ER_TRY(check_input(plan, node, first, er_plan_input(plan, node, i), axis));
    dims[axis] += er_plan_input(plan, node, i)->dims[axis];
  }
  return er_set_shape_i64(plan, node, 0, first->rank, dims);
}

/* What each stored byte becomes: x * scale - zero point * scale in float32, as LiteRT does. */
static uint8_t *make_table(er_plan *plan, const er_tensor *input, const er_tensor *output) {
  const er_range range = er_type_range(input->type);
  const float scale = input->quant.scale[0] * (1.0f / output->quant.scale[0]);
  const float bias = (float)-input->quant.zero_point[0] * scale;
  const int32_t zero = output->quant.zero_point[0];
  uint8_t *table = er_plan_alloc(plan, 256);
  if (table == NULL) return NULL;
  for (int32_t q = range.low; q <= range.high; ++q) {
    const float product = (float)q * scale;
    table[(uint8_t)q] = (uint8_t)er_settle(roundf(product + bias), zero, range.low, range.high);
  }
  return table;
}

static edgert_status plan_scale(er_plan *plan, const er_node *node, const er_tensor *input,
                                const er_tensor *output, er_part *part) {
  part->count = input->count;
  if (!er_is_quantized(input)) return EDGERT_OK;
  if (input->type == EDGERT_INT16) return er_want_same_quant(plan, node, input, output);
  ER_TRY(er_want_per_tensor(plan, node, input));
  ER_TRY(er_want_per_tensor(plan, node, output));
  if (input->quant.scale[0] == output->quant.scale[0] &&
      input->quant.zero_point[0] == output->quant.zero_point[0]) {
    return EDGERT_OK;
  }
  part->table = make_table(plan, input, output);
  return part->table == NULL ? er_plan_no_memory(plan) : EDGERT_OK;
}

/* The scratch holds one rescaled input. */
static edgert_status plan_parts(er_plan *plan, er_node *node, int32_t axis, er_concat_plan *p) {
  const er_tensor *output = er_plan_output(plan, node, 0);
  size_t offset = 0;
  for (int32_t i = 0; i < node->input_count; ++i) {
    const er_tensor *input = er_plan_input(plan, node, i);
    er_part *part = &p->parts[i];
    part->in_bytes = (size_t)(er_product(input, axis, input->rank) * er_element_bytes(input));
    part->offset = offset;
    offset += part->in_bytes;
    ER_TRY(plan_scale(plan, node, input, output, part));
    if (part->table != NULL && input->bytes > node->scratch_bytes)
      node->scratch_bytes = input->bytes;
  }
  p->out_stride = offset;
  return EDGERT_OK;
}

/* Where the parts lie one after the other, the planner may let the inputs be there from the start.
 */
static edgert_status list_pieces(er_plan *plan, er_node *node, const er_concat_plan *p) {
  er_copy *pieces = er_plan_alloc(plan, (size_t)node->input_count * sizeof *pieces);
  if (pieces == NULL) return er_plan_no_memory(plan);
  for (int32_t i = 0; i < node->input_count; ++i) {
    if (p->parts[i].table != NULL) return EDGERT_OK;
    pieces[i] = (er_copy){.input = i,
                          .block = (int64_t)p->parts[i].in_bytes,
                          .out_offset = (int64_t)p->parts[i].offset};
  }
  node->pieces = pieces;
  node->piece_count = node->input_count;
  return EDGERT_OK;
}

static edgert_status prepare(er_plan *plan, er_node *node) {
  ER_TRY(er_plan_want_counts(plan, node, 1, 4096, 1));
  const er_tensor *first = er_plan_input(plan, node, 0), *output = er_plan_output(plan, node, 0);
  er_concat_plan *p =
      er_plan_alloc(plan, sizeof *p + (size_t)node->input_count * sizeof p->parts[0]);
  if (p == NULL) return er_plan_no_memory(plan);
  er_bounds bounds;
  int32_t axis = 0;
  ER_TRY(er_want_activation(plan, node, SLOT_ACTIVATION, &bounds));
  if (!isinf(bounds.low) || !isinf(bounds.high)) {
    return er_plan_fail(plan, node, EDGERT_UNSUPPORTED, "has a fused activation");
  }
  ER_TRY(er_want_whole_bytes(plan, node, first));
  ER_TRY(er_want_same_type(plan, node, first, output));
  ER_TRY(er_want_axis(plan, node, er_i32(node->options, SLOT_AXIS, 0), first->rank, &axis));
  ER_TRY(declare(plan, node, axis));
  p->outer = er_product(first, 0, axis);
  node->data = p;
  ER_TRY(plan_parts(plan, node, axis, p));
  return p->outer == 1 ? list_pieces(plan, node, p) : EDGERT_OK;
}

static edgert_status run(const er_run *run, const er_node *node) {
  const er_concat_plan *p = node->data;
  uint8_t *output = er_out_data(run, node, 0);
  for (int32_t i = 0; i < node->input_count; ++i) {
    const er_part *part = &p->parts[i];
    const void *input = er_in_data(run, node, i);
    if (part->table != NULL) {
      run->kernels->lookup(part->table, part->count, input, run->scratch);
      input = run->scratch;
    }
    er_concat(p->outer, part->in_bytes, p->out_stride, input, output + part->offset);
  }
  return EDGERT_OK;
}

const er_op er_op_concatenation = {
    .builtin = 2, .name = "CONCATENATION", .prepare = prepare, .run = run};
