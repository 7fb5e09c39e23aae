/* Constants of the quantized elementwise operators, by the rules of docs/NUMERICS.md. */
#include <math.h>

#include "binary.h"

static edgert_status add_row(const er_binary_plan *p, int32_t count, const void *a, const void *b,
                             void *output) {
  p->kernels->add_row_s8(&p->add, p->type == EDGERT_UINT8, count, a, p->rows.a_step, b,
                         p->rows.b_step, output);
  return EDGERT_OK;
}

static edgert_status mul_row(const er_binary_plan *p, int32_t count, const void *a, const void *b,
                             void *output) {
  p->kernels->mul_row_s8(&p->mul, p->type == EDGERT_UINT8, count, a, p->rows.a_step, b,
                         p->rows.b_step, output);
  return EDGERT_OK;
}

static edgert_status fixed_row(const er_binary_plan *p, int32_t count, const void *a, const void *b,
                               void *output) {
  p->kernels->fixed_binary_row(&p->fixed, p->type, count, a, p->rows.a_step, b, p->rows.b_step,
                               output);
  return EDGERT_OK;
}

static edgert_status stored_row(const er_binary_plan *p, int32_t count, const void *a,
                                const void *b, void *output) {
  p->kernels->integer_binary_row(p->op, p->type, p->range, count, a, p->rows.a_step, b,
                                 p->rows.b_step, output);
  return EDGERT_OK;
}

static edgert_status bad_scales(er_plan *plan, const er_node *node, const er_tensor *a,
                                const er_tensor *b, const er_tensor *output) {
  return er_plan_fail(
      plan, node, EDGERT_UNSUPPORTED, "has scales %g and %g in and %g out, which lie too far apart",
      (double)a->quant.scale[0], (double)b->quant.scale[0], (double)output->quant.scale[0]);
}

static edgert_status plan_add_s8(er_plan *plan, er_node *node, er_binary_plan *p,
                                 const er_tensor *a, const er_tensor *b, const er_tensor *output) {
  const float a_ratio = a->quant.scale[0] / output->quant.scale[0];
  const float b_ratio = b->quant.scale[0] / output->quant.scale[0];
  int exponent = 0;
  frexpf(a_ratio > b_ratio ? a_ratio : b_ratio, &exponent);
  const int32_t shift = 21 - exponent;
  if (shift < 1 || shift > 62) return bad_scales(plan, node, a, b, output);
  const int32_t a_multiplier = (int32_t)rint(ldexp((double)a_ratio, shift));
  const int32_t b_multiplier = (int32_t)rint(ldexp((double)b_ratio, shift));
  const er_range range = er_quantized_range(output, p->bounds);
  p->add = (er_add_s8){.a_zero = a->quant.zero_point[0],
                       .b_zero = b->quant.zero_point[0],
                       .a_multiplier = a_multiplier,
                       .b_multiplier = p->op == ER_SUB ? -b_multiplier : b_multiplier,
                       .shift = shift,
                       .zero_point = output->quant.zero_point[0],
                       .low = range.low,
                       .high = range.high};
  p->run = add_row;
  node->kernel = "add_s8";
  return EDGERT_OK;
}

static edgert_status plan_mul_s8(er_node *node, er_binary_plan *p, const er_tensor *a,
                                 const er_tensor *b, const er_tensor *output) {
  const float product = a->quant.scale[0] * b->quant.scale[0];
  const er_range range = er_quantized_range(output, p->bounds);
  p->mul = (er_mul_s8){.a_zero = a->quant.zero_point[0],
                       .b_zero = b->quant.zero_point[0],
                       .scale = product / output->quant.scale[0],
                       .zero_point = output->quant.zero_point[0],
                       .low = range.low,
                       .high = range.high};
  p->run = mul_row;
  node->kernel = "mul_s8";
  return EDGERT_OK;
}

/* The real factors of the operators in 31-bit fixed point. */
typedef struct er_factors {
  double a, b, result;
  int32_t left_shift;
} er_factors;

static er_factors factors(const er_binary_plan *p, float sa, float sb, float so) {
  const double twice = 2.0 * (double)(sa > sb ? sa : sb);
  const double a = (double)sa / twice, b = (double)sb / twice;
  if (p->op == ER_MUL) {
    const float product = sa * sb;
    return (er_factors){1, 1, (double)(product / so), 0};
  }
  if (p->op == ER_PRELU) {
    return (er_factors){(double)sa / (double)so, 1, (double)sa * (double)sb / (double)so, 0};
  }
  if (p->op == ER_SQUARED_DIFFERENCE) {
    const int32_t left = p->type == EDGERT_INT16 ? 0 : 7;
    return (er_factors){a, b, twice * twice / (ldexp(1.0, 2 * left) * (double)so), left};
  }
  return (er_factors){a, b, twice / (32768.0 * (double)so), 15};
}

static edgert_status plan_fixed(er_plan *plan, er_node *node, er_binary_plan *p, const er_tensor *a,
                                const er_tensor *b, const er_tensor *output) {
  const er_factors f = factors(p, a->quant.scale[0], b->quant.scale[0], output->quant.scale[0]);
  const er_range range = er_quantized_range_away(output, p->bounds);
  p->fixed = (er_fixed_binary){.op = p->op,
                               .a_zero = a->quant.zero_point[0],
                               .b_zero = b->quant.zero_point[0],
                               .left_shift = f.left_shift,
                               .a_scale = er_fixed_from(f.a),
                               .b_scale = er_fixed_from(f.b),
                               .scale = er_fixed_from(f.result),
                               .zero_point = output->quant.zero_point[0],
                               .low = range.low,
                               .high = range.high};
  if (p->fixed.a_scale.multiplier == 0 || p->fixed.b_scale.multiplier == 0 ||
      p->fixed.scale.multiplier == 0) {
    return bad_scales(plan, node, a, b, output);
  }
  p->run = fixed_row;
  node->kernel = "fixed_binary";
  return EDGERT_OK;
}

edgert_status er_plan_quantized_binary(er_plan *plan, er_node *node, er_binary_plan *binary,
                                       const er_tensor *a, const er_tensor *b,
                                       const er_tensor *output) {
  const bool bytes = binary->type != EDGERT_INT16;
  ER_TRY(er_want_per_tensor(plan, node, a));
  ER_TRY(er_want_per_tensor(plan, node, b));
  ER_TRY(er_want_per_tensor(plan, node, output));
  switch (binary->op) {
    case ER_MAXIMUM:
    case ER_MINIMUM:
      ER_TRY(er_want_same_quant(plan, node, a, b));
      ER_TRY(er_want_same_quant(plan, node, a, output));
      binary->range = (er_wide_range){INT64_MIN, INT64_MAX};
      binary->run = stored_row;
      node->kernel = "extreme_integer";
      return EDGERT_OK;
    case ER_ADD:
    case ER_SUB:
      return bytes ? plan_add_s8(plan, node, binary, a, b, output)
                   : plan_fixed(plan, node, binary, a, b, output);
    case ER_MUL:
      return bytes ? plan_mul_s8(node, binary, a, b, output)
                   : plan_fixed(plan, node, binary, a, b, output);
    case ER_SQUARED_DIFFERENCE:
    case ER_PRELU:
      return plan_fixed(plan, node, binary, a, b, output);
    default:
      return er_plan_fail(plan, node, EDGERT_UNSUPPORTED,
                          "is not known for quantized tensors, only for float32, int32 and int64");
  }
}
