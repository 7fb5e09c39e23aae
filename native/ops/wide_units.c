#include "wide_units.h"

enum { REACH = 127, MOST_SHARE = 4 /* one unit of so many */ };

static int32_t depth_of(const er_linear_tensors *t) {
  return (int32_t)(t->weights->count / t->units);
}

/* Weight d of a unit, whose dimension is the first or the last. */
static int16_t weight(const er_linear_tensors *t, int32_t unit, int32_t d) {
  const int64_t at = t->axis == 0 ? (int64_t)unit * depth_of(t) + d : (int64_t)d * t->units + unit;
  return er_weight_at(t->weights, at, unit);
}

static bool is_wide(const er_linear_tensors *t, int32_t unit) {
  for (int32_t d = 0; d < depth_of(t); d++) {
    const int16_t value = weight(t, unit, d);
    if (value > REACH || value < -REACH) return true;
  }
  return false;
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
  *wide = (er_wide_units){
      .count = can_be ? count_wide(t) : 0, .depth = depth_of(t), .range = er_linear_range(linear)};
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

/* ---- running --------------------------------------------------------------------------------- */

static int8_t settle(const er_wide_units *w, int32_t i, uint32_t sum) {
  const int32_t total = (int32_t)(sum + (uint32_t)w->bias[i]);
  return (int8_t)er_settle((float)total * w->scale[i], w->range.zero_point, w->range.low,
                           w->range.high);
}

/* Parts of the sum may wrap. */
static uint32_t dot(int32_t depth, const int8_t *restrict row, const int16_t *restrict weights) {
  uint32_t sum = 0;
  for (int32_t d = 0; d < depth; d++) sum += (uint32_t)(row[d] * weights[d]);
  return sum;
}

void er_wide_units_rows(const er_wide_units *wide, int32_t count, const int8_t *rows, int32_t first,
                        int32_t last, int8_t *output, int64_t stride) {
  for (int32_t i = 0; i < wide->count; i++) {
    if (wide->units[i] < first || wide->units[i] >= last) continue;
    const int16_t *weights = wide->weights + (int64_t)i * wide->depth;
    int8_t *to = output + wide->units[i];
    for (int32_t r = 0; r < count; r++, to += stride) {
      *to = settle(wide, i, dot(wide->depth, rows + (int64_t)r * wide->depth, weights));
    }
  }
}

/* The sum of one pixel and channel. @param at of the window's first pixel in each line */
static uint32_t taps(const er_conv_shape *s, const int8_t *const *lines, int64_t at,
                     const int16_t *weights) {
  uint32_t sum = 0;
  for (int32_t y = 0; y < s->filter_h; y++) {
    const int8_t *from = lines[y] + at;
    for (int32_t x = 0; x < s->filter_w; x++, from += (int64_t)s->dilation_w * s->out_c) {
      sum += (uint32_t)(*from * *weights++);
    }
  }
  return sum;
}

void er_wide_units_line(const er_wide_units *wide, const er_conv_shape *shape,
                        const int8_t *const *lines, int8_t *output) {
  const er_conv_shape *s = shape;
  for (int32_t i = 0; i < wide->count; i++) {
    const int16_t *weights = wide->weights + (int64_t)i * wide->depth;
    for (int32_t x = 0; x < s->out_w; x++) {
      const int64_t at = (int64_t)x * s->stride_w * s->out_c + wide->units[i];
      output[(int64_t)x * s->out_c + wide->units[i]] = settle(wide, i, taps(s, lines, at, weights));
    }
  }
}
