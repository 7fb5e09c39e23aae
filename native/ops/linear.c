#include "linear.h"

#include <math.h>

#include "kernels/load.h"
#include "kernels/rounding.h"
#include "shape.h"
#include "wide_units.h"

int16_t er_weight_at(const er_tensor *weights, int64_t i, int32_t channel) {
  const int32_t zero = weights->quant.zero_point[weights->quant.count == 1 ? 0 : channel];
  if (weights->type == EDGERT_UINT8) {
    return (int16_t)(((const uint8_t *)weights->constant)[i] - zero);
  }
  if (weights->type == EDGERT_INT8) {
    return (int16_t)(((const int8_t *)weights->constant)[i] - zero);
  }
  return (int16_t)(er_nibble_at(weights->constant, i) - zero);
}

float er_weight_scale(const er_tensor *weights, int32_t channel) {
  return weights->quant.scale[weights->quant.count == 1 ? 0 : channel];
}

/* Elements from one step of the output-channel axis to the next. */
static int64_t channel_step(const er_tensor *weights, int32_t axis) {
  return er_product(weights, axis + 1, weights->rank);
}

int32_t er_round_up(int32_t value, int32_t step) { return (value + step - 1) / step * step; }

const int16_t *er_pack_rows(er_plan *plan, const er_tensor *weights, int32_t units,
                            int32_t groups) {
  const int32_t used = (int32_t)(weights->count / units);
  const int32_t depth = er_round_up(used, ER_DEPTH_STEP);
  const int32_t in_group = units / groups;
  const int64_t rows = (int64_t)er_round_up(in_group, ER_UNIT_STEP) * groups;
  int16_t *packed = er_plan_alloc(plan, (size_t)(rows * depth) * sizeof *packed);
  if (packed == NULL) return NULL;
  for (int32_t u = 0; u < units; ++u) {
    const int64_t row =
        (int64_t)(u / in_group) * er_round_up(in_group, ER_UNIT_STEP) + u % in_group;
    for (int32_t d = 0; d < used; ++d) {
      packed[row * depth + d] = er_weight_at(weights, (int64_t)u * used + d, u);
    }
  }
  return packed;
}

edgert_status er_want_constant(er_plan *plan, const er_node *node, const er_tensor *tensor,
                               const char *what) {
  if (tensor->constant != NULL) return EDGERT_OK;
  return er_plan_fail(plan, node, EDGERT_UNSUPPORTED,
                      "needs constant %s; '%s' is computed while running", what, tensor->name);
}

const float *er_float_weights(er_plan *plan, const er_tensor *weights) {
  if (weights->type == EDGERT_FLOAT32) return weights->constant;
  float *values = er_plan_alloc(plan, (size_t)weights->count * sizeof *values);
  if (values == NULL) return NULL;
  const bool per_channel = weights->quant.count > 1; /* else the axis means nothing */
  const int32_t axis = per_channel ? weights->quant.axis : 0;
  const int64_t step = channel_step(weights, axis);
  for (int64_t i = 0; i < weights->count; ++i) {
    const int32_t channel = (int32_t)(i / step % weights->dims[axis]);
    values[i] = (float)er_weight_at(weights, i, channel) * er_weight_scale(weights, channel);
  }
  return values;
}

bool er_has_plain_integers(const er_tensor *weights) {
  if (!weights->constant) return false;
  if (weights->type != EDGERT_INT8 && weights->type != EDGERT_INT4) return false;
  for (int32_t i = 0; i < weights->quant.count; ++i) {
    if (weights->quant.zero_point[i] != 0) return false;
  }
  return true;
}

bool er_is_fast(const er_linear_tensors *tensors, const er_linear *linear) {
  if (linear->type != EDGERT_INT8) return false;
  return er_has_plain_integers(tensors->weights) || er_few_wide_units(tensors);
}

/* Per tensor: uint8 weights with several zero points are not fast. */
static int8_t fitting(const er_tensor *weights, int64_t i) {
  return (int8_t)er_clamp(er_weight_at(weights, i, 0), -ER_WEIGHT_REACH, ER_WEIGHT_REACH);
}

const int8_t *er_weights_as_int8(er_plan *plan, const er_tensor *weights) {
  if (weights->type == EDGERT_INT8) return weights->constant;
  int8_t *values = er_plan_borrow(plan, (size_t)weights->count + 1);
  const uint8_t *pairs = weights->constant;
  if (values == NULL) return NULL;
  if (weights->type == EDGERT_UINT8) {
    for (int64_t i = 0; i < weights->count; ++i) values[i] = fitting(weights, i);
    return values;
  }
  for (int64_t i = 0; i < weights->count; i += 2) { /* to the end of the last byte */
    const int32_t pair = *pairs++;
    values[i] = (int8_t)(((pair & 15) ^ 8) - 8);
    values[i + 1] = (int8_t)((pair >> 4 ^ 8) - 8);
  }
  return values;
}

er_range_s8 er_linear_range(const er_linear *linear) {
  const er_requant *r = &linear->requant;
  return (er_range_s8){.zero_point = r->zero_point, .low = r->low, .high = r->high};
}

static edgert_status check_types(er_plan *plan, const er_node *node, const er_linear_tensors *t,
                                 er_arithmetic arithmetic) {
  const int32_t float_weights[] = {EDGERT_FLOAT32, EDGERT_INT8, EDGERT_UINT8, EDGERT_INT4, -1};
  const int32_t integer_weights[] = {EDGERT_INT8, EDGERT_UINT8, EDGERT_INT4, -1};
  const int32_t float_bias[] = {EDGERT_FLOAT32, -1};
  const int32_t bias_s8[] = {EDGERT_INT32, -1};
  const int32_t bias_s16[] = {EDGERT_INT64, EDGERT_INT32, -1};
  const bool floats = arithmetic == ER_FLOAT_LINEAR;
  ER_TRY(er_plan_want_type(plan, node, t->weights, floats ? float_weights : integer_weights));
  if (t->weights->count > INT32_MAX) {
    return er_plan_fail(plan, node, EDGERT_UNSUPPORTED, "has more than 2^31 weights in '%s'",
                        t->weights->name);
  }
  ER_TRY(er_want_same_type(plan, node, t->input, t->output));
  if (t->bias == NULL) return EDGERT_OK;
  ER_TRY(er_plan_want_type(plan, node, t->bias,
                           floats                       ? float_bias
                           : arithmetic == ER_S8_LINEAR ? bias_s8
                                                        : bias_s16));
  if (!floats) ER_TRY(er_want_constant(plan, node, t->bias, "biases"));
  if (t->bias->count == t->units) return EDGERT_OK;
  return er_plan_fail(plan, node, EDGERT_MALFORMED,
                      "has %lld biases in '%s' for %d output channels", (long long)t->bias->count,
                      t->bias->name, (int)t->units);
}

/* LiteRT knows a zero point of signed weights in FULLY_CONNECTED with one scale only; elsewhere it
 * refuses it or computes as if it were 0. */
static edgert_status check_weight_zero_points(er_plan *plan, const er_node *node,
                                              const er_linear_tensors *t) {
  enum { FULLY_CONNECTED = 9 };
  const er_quant *q = &t->weights->quant;
  if (t->weights->type == EDGERT_UINT8) return EDGERT_OK;
  if (node->op->builtin == FULLY_CONNECTED && q->count == 1) return EDGERT_OK;
  for (int32_t i = 0; i < q->count; ++i) {
    if (q->zero_point[i] == 0) continue;
    return er_plan_fail(plan, node, EDGERT_MALFORMED,
                        "has weights '%s' with zero point %d in channel %d; signed weights are "
                        "symmetric: it must be 0",
                        t->weights->name, (int)q->zero_point[i], (int)i);
  }
  return EDGERT_OK;
}

/* Biases are added to sums as they are stored, so their scale is in * weight; LiteRT too allows for
 * 2 % of an output step. */
static edgert_status check_bias_scales(er_plan *plan, const er_node *node,
                                       const er_linear_tensors *t) {
  const er_quant *q = t->bias ? &t->bias->quant : NULL;
  const double in = (double)t->input->quant.scale[0], out = (double)t->output->quant.scale[0];
  for (int32_t i = 0; q && i < q->count; ++i) {
    const double wanted = in * (double)er_weight_scale(t->weights, i), given = (double)q->scale[i];
    if (fabs(wanted - given) <= 0.02 * out) continue;
    return er_plan_fail(plan, node, EDGERT_MALFORMED,
                        "has biases '%s' with scale %g in channel %d; input scale times weight "
                        "scale is %g, and it must be that",
                        t->bias->name, given, (int)i, wanted);
  }
  return EDGERT_OK;
}

/* Scales where quantization needs them. */
static edgert_status check_scales(er_plan *plan, const er_node *node, const er_linear_tensors *t,
                                  er_arithmetic arithmetic) {
  const er_quant *q = &t->weights->quant;
  if (t->weights->type != EDGERT_FLOAT32) {
    ER_TRY(er_want_constant(plan, node, t->weights, "weights"));
    if (q->count != 1 && (q->count != t->units || q->axis != t->axis)) {
      return er_plan_fail(plan, node, EDGERT_MALFORMED,
                          "has %d weight scales along dimension %d of '%s'; allowed are one, or %d "
                          "along dimension %d",
                          (int)q->count, (int)q->axis, t->weights->name, (int)t->units,
                          (int)t->axis);
    }
  }
  if (arithmetic == ER_FLOAT_LINEAR) return EDGERT_OK;
  ER_TRY(er_want_per_tensor(plan, node, t->input));
  ER_TRY(er_want_per_tensor(plan, node, t->output));
  ER_TRY(check_weight_zero_points(plan, node, t));
  return check_bias_scales(plan, node, t);
}

/* The largest magnitude that an input less its zero point can have. */
static int64_t input_reach(const er_tensor *input) {
  const er_range range = er_type_range(input->type);
  const int64_t zero = input->quant.zero_point[0];
  return range.high - zero > zero - range.low ? range.high - zero : zero - range.low;
}

static float output_scale(const er_linear_tensors *t, int32_t unit) {
  const float product = t->input->quant.scale[0] * er_weight_scale(t->weights, unit);
  return product / t->output->quant.scale[0];
}

/* Pruned channels have tiny scales and biases at the end of int32. Sum and bias stay below 2^32, so
 * with a scale below 2^-33 the result is zero without the bias too, and cannot overflow. */
static int64_t bias_at(const er_linear_tensors *t, int32_t unit) {
  if (t->bias == NULL || output_scale(t, unit) < 0x1p-33f) return 0;
  return er_constant_at(t->bias, unit);
}

/* Sum of the magnitudes of a unit's weights. */
static int64_t sum_of_weights(const er_linear_tensors *t, int32_t unit, int64_t outer,
                              int64_t step) {
  int64_t sum = 0;
  for (int64_t o = 0; o < outer; ++o) {
    const int64_t start = (o * t->units + unit) * step;
    for (int64_t i = start; i < start + step; ++i) {
      const int64_t weight = er_weight_at(t->weights, i, unit);
      sum += weight < 0 ? -weight : weight;
    }
  }
  return sum;
}

/* Prove that no sum leaves its accumulator, whatever the input. Where even the largest weights
 * could not do it, the weights stay unread: that is a third of the time from start to first result.
 */
static edgert_status check_sums(er_plan *plan, const er_node *node, const er_linear_tensors *t,
                                int64_t most) {
  const er_tensor *w = t->weights;
  const int64_t step = channel_step(w, t->axis);
  const int64_t reach = input_reach(t->input);
  const int64_t outer = w->count / step / t->units;
  enum { MOST_WEIGHT = 255 }; /* of 8 bits, less its zero point */
  for (int32_t unit = 0; unit < t->units; ++unit) {
    const int64_t bias = bias_at(t, unit);
    const bool fits = bias <= most && bias >= -most;
    const int64_t room = fits ? (most - (bias < 0 ? -bias : bias)) / reach : -1;
    if (outer * step * MOST_WEIGHT <= room) continue;
    if (sum_of_weights(t, unit, outer, step) > room) {
      return er_plan_fail(plan, node, EDGERT_UNSUPPORTED,
                          "could overflow its accumulator in output channel %d", (int)unit);
    }
  }
  return EDGERT_OK;
}

static edgert_status fill_s8(er_plan *plan, const er_linear_tensors *t, er_bounds bounds,
                             er_linear *linear) {
  float *scale = er_plan_alloc(plan, (size_t)t->units * sizeof *scale);
  int32_t *bias = er_plan_alloc(plan, (size_t)t->units * sizeof *bias);
  if (scale == NULL || bias == NULL) return er_plan_no_memory(plan);
  for (int32_t u = 0; u < t->units; ++u) {
    scale[u] = output_scale(t, u);
    bias[u] = (int32_t)bias_at(t, u);
  }
  const er_range range = er_quantized_range(t->output, bounds);
  linear->requant =
      (er_requant){scale, bias, t->output->quant.zero_point[0], range.low, range.high};
  return EDGERT_OK;
}

static edgert_status fill_s16(er_plan *plan, const er_node *node, const er_linear_tensors *t,
                              er_bounds bounds, er_linear *linear) {
  int32_t *multiplier = er_plan_alloc(plan, (size_t)t->units * sizeof *multiplier);
  int32_t *exponent = er_plan_alloc(plan, (size_t)t->units * sizeof *exponent);
  int64_t *bias = er_plan_alloc(plan, (size_t)t->units * sizeof *bias);
  if (multiplier == NULL || exponent == NULL || bias == NULL) return er_plan_no_memory(plan);
  for (int32_t u = 0; u < t->units; ++u) {
    const double scale = (double)t->input->quant.scale[0] * (double)er_weight_scale(t->weights, u) /
                         (double)t->output->quant.scale[0];
    const er_fixed fixed = er_fixed_from(scale);
    if (fixed.exponent > 14 || fixed.multiplier == 0) {
      return er_plan_fail(plan, node, EDGERT_UNSUPPORTED,
                          "scales output channel %d by %g; allowed is 2^-32 to 2^14", (int)u,
                          scale);
    }
    multiplier[u] = fixed.multiplier;
    exponent[u] = fixed.exponent;
    bias[u] = bias_at(t, u);
  }
  const er_range range = er_quantized_range_away(t->output, bounds);
  linear->wide = (er_requant_wide){multiplier, exponent, bias, range.low, range.high};
  return EDGERT_OK;
}

edgert_status er_prepare_linear(er_plan *plan, const er_node *node,
                                const er_linear_tensors *tensors, er_bounds bounds,
                                er_linear *linear) {
  const er_linear_tensors *t = tensors;
  const int32_t types[] = {EDGERT_FLOAT32, EDGERT_INT8, EDGERT_UINT8, EDGERT_INT16, -1};
  ER_TRY(er_plan_want_type(plan, node, t->input, types));
  linear->type = t->input->type;
  linear->arithmetic = t->input->type == EDGERT_FLOAT32 ? ER_FLOAT_LINEAR
                       : t->input->type == EDGERT_INT16 ? ER_S16_LINEAR
                                                        : ER_S8_LINEAR;
  linear->bounds = bounds;
  ER_TRY(check_types(plan, node, t, linear->arithmetic));
  ER_TRY(check_scales(plan, node, t, linear->arithmetic));
  if (linear->arithmetic == ER_FLOAT_LINEAR) return EDGERT_OK;
  linear->zero_point = t->input->quant.zero_point[0];
  if (linear->arithmetic == ER_S8_LINEAR) {
    ER_TRY(check_sums(plan, node, t, INT32_MAX));
    return fill_s8(plan, t, bounds, linear);
  }
  ER_TRY(check_sums(plan, node, t, (INT64_C(1) << 47) - 1));
  return fill_s16(plan, node, t, bounds, linear);
}

er_requant er_requant_from(const er_requant *requant, int32_t first) {
  er_requant part = *requant;
  part.scale += first;
  part.bias += first;
  return part;
}

er_requant_wide er_requant_wide_from(const er_requant_wide *requant, int32_t first) {
  er_requant_wide part = *requant;
  part.multiplier += first;
  part.exponent += first;
  part.bias += first;
  return part;
}
