#include "wide_units.h"

enum { MOST_SHARE = 4 /* one unit of so many */ };

static int32_t depth_of(const er_linear_tensors *t) {
  return (int32_t)(t->weights->count / t->units);
}

/* Weight d of a unit, whose dimension is the first or the last. */
static int16_t weight(const er_linear_tensors *t, int32_t unit, int32_t d) {
  const int64_t at = t->axis == 0 ? (int64_t)unit * depth_of(t) + d : (int64_t)d * t->units + unit;
  return er_weight_at(t->weights, at, unit);
}

/* Of per-tensor uint8 weights. */
static bool is_wide(const er_linear_tensors *t, int32_t unit) {
  const uint8_t *values = t->weights->constant;
  const int32_t depth = depth_of(t), zero = t->weights->quant.zero_point[0];
  return t->axis == 0 ? er_leaves_reach(depth, 1, values + (int64_t)unit * depth, zero)
                      : er_leaves_reach(depth, t->units, values + unit, zero);
}

static int32_t count_wide(const er_linear_tensors *t) {
  int32_t count = 0;
  for (int32_t u = 0; u < t->units; u++) count += is_wide(t, u);
  return count;
}

bool er_few_wide_units(const er_linear_tensors *tensors) {
  const er_tensor *weights = tensors->weights;
  if (weights->type != EDGERT_UINT8 || !weights->constant || weights->quant.count != 1)
    return false;
  return count_wide(tensors) * MOST_SHARE <= tensors->units;
}

/* @param at where in the lists */
static void take_unit(const er_linear_tensors *t, const er_linear *linear, int32_t unit, int32_t at,
                      int32_t *bias, float *scale, int16_t *weights) {
  const int32_t depth = depth_of(t);
  uint32_t sum = 0;
  for (int32_t d = 0; d < depth; d++) {
    weights[(int64_t)at * depth + d] = weight(t, unit, d);
    sum += (uint32_t)(int32_t)weights[(int64_t)at * depth + d];
  }
  bias[at] = (int32_t)((uint32_t)linear->requant.bias[unit] - (uint32_t)linear->zero_point * sum);
  scale[at] = linear->requant.scale[unit];
}

edgert_status er_take_wide_units(er_plan *plan, const er_linear_tensors *tensors,
                                 const er_linear *linear, er_wide_units *wide) {
  const er_linear_tensors *t = tensors;
  const bool can_be = t->weights->type == EDGERT_UINT8;
  *wide = (er_wide_units){.count = can_be ? count_wide(t) : 0,
                          .depth = depth_of(t),
                          .range = er_linear_range(linear),
                          .kernels = er_plan_kernels(plan)};
  if (wide->count == 0) return EDGERT_OK;
  const size_t count = (size_t)wide->count;
  int32_t *units = er_plan_alloc(plan, count * sizeof *units);
  int32_t *bias = er_plan_alloc(plan, count * sizeof *bias);
  float *scale = er_plan_alloc(plan, count * sizeof *scale);
  int16_t *weights = er_plan_alloc(plan, count * (size_t)wide->depth * sizeof *weights);
  if (!units || !bias || !scale || !weights) return er_plan_no_memory(plan);
  for (int32_t u = 0, at = 0; u < t->units; u++) {
    if (!is_wide(t, u)) continue;
    units[at] = u;
    take_unit(t, linear, u, at++, bias, scale, weights);
  }
  wide->units = units, wide->bias = bias, wide->scale = scale, wide->weights = weights;
  return EDGERT_OK;
}
