/* PAD, PADV2 and MIRROR_PAD for elements of any type. */
#include "pad.h"

#include <string.h>

#include "activation.h"
#include "kernels/float.h"
#include "shape.h"

typedef struct er_pad_plan {
  er_pad_shape shape;
  size_t element_bytes;
  uint8_t value[8]; /* one element; PADV2 with a computed value reads its input instead */
  bool reads_value;
  int32_t mirror_offset;
} er_pad_plan;

enum { MODE_REFLECT = 0, MODE_SYMMETRIC = 1 };

static edgert_status read_shape(er_plan *plan, const er_node *node, er_pad_shape *shape) {
  const er_tensor *input = er_plan_input(plan, node, 0), *pads = er_plan_input(plan, node, 1);
  int64_t dims[EDGERT_MAX_RANK];
  ER_TRY(er_want_pairs(plan, node, pads, input->rank));
  shape->rank = input->rank;
  for (int32_t d = 0; d < input->rank; ++d) {
    const int64_t before = er_constant_at(pads, 2 * d), after = er_constant_at(pads, 2 * d + 1);
    if (before < 0 || after < 0 || before > INT32_MAX || after > INT32_MAX) {
      return er_plan_fail(plan, node, EDGERT_MALFORMED,
                          "pads dimension %d by %lld and %lld; both must lie in [0, 2^31)", (int)d,
                          (long long)before, (long long)after);
    }
    dims[d] = before + input->dims[d] + after;
    shape->in[d] = input->dims[d];
    shape->before[d] = (int32_t)before;
  }
  ER_TRY(er_set_shape_i64(plan, node, 0, input->rank, dims));
  for (int32_t d = 0; d < input->rank; ++d) shape->out[d] = (int32_t)dims[d];
  return EDGERT_OK;
}

/* The border of a quantized tensor is real 0.0. */
static edgert_status plan_zero(er_plan *plan, const er_node *node, const er_tensor *input,
                               er_pad_plan *pad) {
  if (!er_is_quantized(input)) return EDGERT_OK;
  ER_TRY(er_want_per_tensor(plan, node, input));
  const int32_t zero = input->quant.zero_point[0];
  const int16_t wide = (int16_t)zero;
  if (input->type == EDGERT_INT16) {
    memcpy(pad->value, &wide, sizeof wide);
  } else {
    pad->value[0] = (uint8_t)zero;
  }
  return EDGERT_OK;
}

static edgert_status plan_value(er_plan *plan, const er_node *node, const er_tensor *input,
                                er_pad_plan *pad) {
  const er_tensor *value = er_plan_input(plan, node, 2);
  if (value == NULL) return plan_zero(plan, node, input, pad);
  ER_TRY(er_want_same_type(plan, node, input, value));
  if (value->count != 1) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED, "has %lld padding values in '%s', not 1",
                        (long long)value->count, value->name);
  }
  pad->reads_value = true;
  return EDGERT_OK;
}

static edgert_status begin(er_plan *plan, er_node *node, int32_t max_inputs, er_pad_plan **pad) {
  ER_TRY(er_plan_want_counts(plan, node, 2, max_inputs, 1));
  const er_tensor *input = er_plan_input(plan, node, 0);
  *pad = er_plan_alloc(plan, sizeof **pad);
  if (*pad == NULL) return er_plan_no_memory(plan);
  ER_TRY(er_want_whole_bytes(plan, node, input));
  ER_TRY(er_want_same_type(plan, node, input, er_plan_output(plan, node, 0)));
  ER_TRY(read_shape(plan, node, &(*pad)->shape));
  (*pad)->element_bytes = (size_t)er_element_bytes(input);
  node->data = *pad;
  if (!er_is_quantized(input)) return EDGERT_OK;
  return er_want_same_quant(plan, node, input, er_plan_output(plan, node, 0));
}

static edgert_status prepare_pad(er_plan *plan, er_node *node) {
  er_pad_plan *pad;
  ER_TRY(begin(plan, node, 3, &pad));
  return plan_value(plan, node, er_plan_input(plan, node, 0), pad);
}

static edgert_status run_pad(const er_run *run, const er_node *node) {
  const er_pad_plan *pad = node->data;
  const void *value = pad->reads_value ? er_in_data(run, node, 2) : pad->value;
  er_pad(&pad->shape, pad->element_bytes, er_in_data(run, node, 0), value,
         er_out_data(run, node, 0));
  return EDGERT_OK;
}

static edgert_status prepare_mirror(er_plan *plan, er_node *node) {
  er_pad_plan *pad;
  ER_TRY(begin(plan, node, 2, &pad));
  const int8_t mode = er_i8(node->options, 0, MODE_REFLECT);
  if (mode != MODE_REFLECT && mode != MODE_SYMMETRIC) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED,
                        "has mode number %d; known are 0 (REFLECT) and 1 (SYMMETRIC)", (int)mode);
  }
  pad->mirror_offset = mode == MODE_REFLECT ? 1 : 0;
  for (int32_t d = 0; d < pad->shape.rank; ++d) {
    const int32_t most = pad->shape.in[d] - pad->mirror_offset;
    const int32_t after = pad->shape.out[d] - pad->shape.in[d] - pad->shape.before[d];
    if (pad->shape.before[d] > most || after > most) {
      return er_plan_fail(plan, node, EDGERT_MALFORMED,
                          "mirrors %d and %d elements of dimension %d, which has %d to mirror",
                          (int)pad->shape.before[d], (int)after, (int)d, (int)most);
    }
  }
  return EDGERT_OK;
}

static edgert_status run_mirror(const er_run *run, const er_node *node) {
  const er_pad_plan *pad = node->data;
  er_mirror_pad(&pad->shape, pad->element_bytes, pad->mirror_offset, er_in_data(run, node, 0),
                er_out_data(run, node, 0));
  return EDGERT_OK;
}

const er_op er_op_pad = {.builtin = 34, .name = "PAD", .prepare = prepare_pad, .run = run_pad};
const er_op er_op_padv2 = {.builtin = 60, .name = "PADV2", .prepare = prepare_pad, .run = run_pad};

bool er_padding_of(const er_plan *plan, const er_node *node, er_padding *padding) {
  if (node->op != &er_op_pad && node->op != &er_op_padv2) return false;
  const er_pad_plan *pad = node->data;
  const er_pad_shape *s = &pad->shape;
  const void *value = pad->reads_value ? er_plan_input(plan, node, 2)->constant : pad->value;
  *padding = (er_padding){s, value, !pad->reads_value};
  return value && s->rank == 4 && s->in[0] == s->out[0] && s->in[3] == s->out[3];
}

const er_op er_op_mirror_pad = {
    .builtin = 100, .name = "MIRROR_PAD", .prepare = prepare_mirror, .run = run_mirror};
