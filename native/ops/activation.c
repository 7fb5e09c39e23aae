#include "activation.h"

#include <math.h>

edgert_status er_want_activation(er_plan *plan, const er_node *node, int slot, er_bounds *bounds) {
  static const er_bounds table[] = {
      {-INFINITY, INFINITY}, {0.0f, INFINITY}, {-1.0f, 1.0f}, {0.0f, 6.0f}};
  const int8_t code = er_i8(node->options, slot, 0);
  if (code < 0 || code >= (int8_t)(sizeof table / sizeof *table)) {
    return er_plan_fail(plan, node, code == 4 || code == 5 ? EDGERT_UNSUPPORTED : EDGERT_MALFORMED,
                        "has fused activation number %d; known are 0 (none), 1 (RELU), 2 "
                        "(RELU_N1_TO_1) and 3 (RELU6)",
                        (int)code);
  }
  *bounds = table[code];
  return EDGERT_OK;
}

er_range er_type_range(edgert_type type) {
  switch (type) {
    case EDGERT_INT8:
      return (er_range){INT8_MIN, INT8_MAX};
    case EDGERT_UINT8:
      return (er_range){0, UINT8_MAX};
    case EDGERT_INT16:
      return (er_range){INT16_MIN, INT16_MAX};
    default:
      return (er_range){INT32_MIN, INT32_MAX};
  }
}

/* Where a bound lies among the stored integers; a bound that is out of range changes nothing. */
static int32_t stored(er_range type, int32_t zero_point, float rounded) {
  const double value = (double)rounded + zero_point;
  if (value < type.low) return type.low;
  return value > type.high ? type.high : (int32_t)value;
}

er_range er_quantized_range(const er_tensor *tensor, er_bounds bounds) {
  const er_range type = er_type_range(tensor->type);
  const float scale = tensor->quant.scale[0];
  const int32_t zero = tensor->quant.zero_point[0];
  return (er_range){stored(type, zero, rintf(bounds.low / scale)),
                    stored(type, zero, rintf(bounds.high / scale))};
}

er_range er_quantized_range_away(const er_tensor *tensor, er_bounds bounds) {
  const er_range type = er_type_range(tensor->type);
  const float scale = tensor->quant.scale[0];
  const int32_t zero = tensor->quant.zero_point[0];
  return (er_range){stored(type, zero, roundf(bounds.low / scale)),
                    stored(type, zero, roundf(bounds.high / scale))};
}

edgert_status er_want_per_tensor(er_plan *plan, const er_node *node, const er_tensor *tensor) {
  const er_quant *q = &tensor->quant;
  if (q->count != 1) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED,
                        "needs one scale on the quantized tensor '%s', which has %d", tensor->name,
                        (int)q->count);
  }
  if (tensor->type != EDGERT_INT16 || q->zero_point[0] == 0) return EDGERT_OK;
  return er_plan_fail(plan, node, EDGERT_MALFORMED,
                      "needs zero point 0 on the int16 tensor '%s', which has %d", tensor->name,
                      (int)q->zero_point[0]);
}

edgert_status er_want_same_quant(er_plan *plan, const er_node *node, const er_tensor *a,
                                 const er_tensor *b) {
  ER_TRY(er_want_per_tensor(plan, node, a));
  ER_TRY(er_want_per_tensor(plan, node, b));
  if (a->quant.scale[0] == b->quant.scale[0] && a->quant.zero_point[0] == b->quant.zero_point[0]) {
    return EDGERT_OK;
  }
  return er_plan_fail(plan, node, EDGERT_UNSUPPORTED,
                      "needs the same scale and zero point on '%s' (%g, %d) and '%s' (%g, %d)",
                      a->name, (double)a->quant.scale[0], (int)a->quant.zero_point[0], b->name,
                      (double)b->quant.scale[0], (int)b->quant.zero_point[0]);
}

bool er_is_quantized(const er_tensor *tensor) {
  return tensor->quant.count > 0 && (tensor->type == EDGERT_INT8 || tensor->type == EDGERT_UINT8 ||
                                     tensor->type == EDGERT_INT16);
}
