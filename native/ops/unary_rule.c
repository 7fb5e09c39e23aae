#include "unary_rule.h"

#include <math.h>

#include "kernels/fixed16.h"
#include "kernels/rounding.h"

/* The function in double precision, then one rounding; 8-bit square roots are truncated. */
static int32_t apply_real(const er_unary_rule *r, int32_t value) {
  const float argument = (float)value * r->in_scale;
  const float result = (float)er_unary_real(r->op, (double)r->alpha, (double)argument);
  const float scaled = result == result ? result * r->out_inverse : 0.0f;
  return er_settle(scaled, r->out_zero, r->range.low, r->range.high);
}

static int32_t apply_truncated(const er_unary_rule *r, int32_t value) {
  const float result = sqrtf((float)value * r->in_scale);
  const float scaled = result == result ? truncf(result * r->out_inverse) : 0.0f;
  return er_settle(scaled, r->out_zero, r->range.low, r->range.high);
}

/* A product with a multiplier cut to 16 bits. */
static int32_t times16(int32_t value, er_fixed scale) {
  const int32_t cut = (int32_t)(((int64_t)scale.multiplier + (1 << 15)) >> 16);
  const int32_t product = value * (cut < INT16_MAX ? cut : INT16_MAX);
  return (product + (product >= 0 ? 1 << 14 : 1 - (1 << 14))) / (1 << 15);
}

/* (x + 3) / 6 between 0 and 1, in units of 2^-15. value: 128 * x */
static int32_t swish_gate(const er_unary_rule *r, int32_t value) {
  const int32_t up = r->gate.exponent;
  int32_t gate =
      up > 0 ? er_clamp((int64_t)value * (INT64_C(1) << (up - 1)), INT16_MIN, INT16_MAX) : value;
  gate = times16(gate, r->gate);
  gate = up > 0 ? er_saturate16(2 * gate) : er_divide_by_power(gate, -up);
  return (gate + (1 << 15)) >> 1;
}

/* HARD_SWISH of 8 bits, in 16-bit fixed point as LiteRT does. */
static int32_t apply_swish(const er_unary_rule *r, int32_t value) {
  const int32_t product = swish_gate(r, 128 * value) * times16(128 * value, r->swish);
  const int32_t result = er_divide_by_power(product / (1 << 15), -r->swish.exponent);
  return er_clamp((int64_t)result + r->out_zero, r->range.low, r->range.high);
}

/* @return false when the output's scale is so fine that its multiplier exceeds 1 */
static bool choose_swish(er_unary_rule *rule) {
  const float fine = rule->in_scale / 128.0f;
  rule->swish = er_fixed_from((double)(fine / rule->out_scale));
  rule->gate = er_fixed_from((double)(fine / (3.0f / 32768.0f)));
  rule->apply = apply_swish;
  return rule->swish.multiplier != 0 && rule->swish.exponent <= 0;
}

/* ---- int16 ----------------------------------------------------------------------------------- */

/* LEAKY_RELU of 16 bits. */
static int32_t apply_slopes(const er_unary_rule *r, int32_t value) {
  const int32_t sign = r->alpha < 0 ? -1 : 1;
  const int32_t result =
      value >= 0 ? er_mulfix(value, r->ratio) : er_mulfix(sign * value, r->below);
  return er_clamp((int64_t)result + r->out_zero, r->range.low, r->range.high);
}

static int32_t apply_root(const er_unary_rule *r, int32_t value) {
  const float result = sqrtf((float)value * r->in_scale) / r->out_scale;
  const float whole = result == result ? truncf(result) : 0.0f;
  return er_settle(whole, r->out_zero, r->range.low, r->range.high);
}

static int32_t apply_table(const er_unary_rule *r, int32_t value) {
  return er_table16_at(r->table, value);
}

static int32_t apply_logistic(const er_unary_rule *r, int32_t value) {
  return er_logistic_s16(&r->sigmoid, value);
}

static int32_t apply_tanh(const er_unary_rule *r, int32_t value) {
  return er_tanh_s16(&r->sigmoid, value);
}

bool er_unary_interpolates(er_unary op) {
  return op == ER_EXP || op == ER_LOG || op == ER_RSQRT || op == ER_GELU || op == ER_GELU_TANH;
}

/* Where LOG and RSQRT have no value they give the end of the output's range that lies nearest. */
static double table_function(const void *argument, double value) {
  const er_unary_rule *r = argument;
  if (r->op == ER_LOG && !(value > 0)) return (double)(r->out_scale * INT16_MIN);
  if (r->op != ER_RSQRT) return er_unary_real(r->op, 0, value);
  return value > 0 ? 1 / (double)sqrtf((float)value) : (double)(r->out_scale * INT16_MAX);
}

void er_unary_use_table(er_unary_rule *rule, er_table16 *table) {
  const er_table16_grid grid = {(double)rule->in_scale, (double)rule->out_scale, 0, true};
  er_table16_fill(table, &grid, table_function, rule);
  rule->table = table;
  rule->apply = apply_table;
}

static void choose_s16(er_unary_rule *rule) {
  if (rule->op == ER_LEAKY_RELU) rule->apply = apply_slopes;
  if (rule->op == ER_SQRT) rule->apply = apply_root;
  const bool logistic = rule->op == ER_LOGISTIC;
  if ((logistic || rule->op == ER_TANH) && rule->out_scale == 0x1p-15f) {
    rule->sigmoid = er_sigmoid16_for(rule->in_scale, logistic ? 0 : 1);
    rule->apply = logistic ? apply_logistic : apply_tanh;
  }
}

/* ---- all types ------------------------------------------------------------------------------- */

/* RELU and its kin, ABS: rescaled in 31-bit fixed point, bounded by the range. */
static int32_t apply_ratio(const er_unary_rule *r, int32_t value) {
  const int32_t magnitude = r->op == ER_ABS && value < 0 ? -value : value;
  return er_clamp((int64_t)er_mulfix(magnitude, r->ratio) + r->out_zero, r->range.low,
                  r->range.high);
}

/* LEAKY_RELU of 8 bits, as XNNPACK does. */
static int32_t apply_near(const er_unary_rule *r, int32_t value) {
  const int64_t multiplier = value >= 0 ? r->near_ratio : r->near_below;
  return er_clamp(((value * multiplier + 128) >> 8) + r->out_zero, r->range.low, r->range.high);
}

/* Beyond 2^40 every result saturates, and the product with a value stays within 64 bits. */
static int64_t in_256ths(float slope) {
  return (int64_t)rint(fmax(-0x1p40, fmin(256.0 * (double)slope, 0x1p40)));
}

/* Real bounds of the operators that only clip. @return whether `op` is one */
static bool clips(er_unary op, er_bounds *bounds) {
  switch (op) {
    case ER_ABS:
      *bounds = (er_bounds){-INFINITY, INFINITY};
      return true;
    case ER_RELU:
      *bounds = (er_bounds){0.0f, INFINITY};
      return true;
    case ER_RELU6:
      *bounds = (er_bounds){0.0f, 6.0f};
      return true;
    case ER_RELU_0_TO_1:
      *bounds = (er_bounds){0.0f, 1.0f};
      return true;
    case ER_RELU_N1_TO_1:
      *bounds = (er_bounds){-1.0f, 1.0f};
      return true;
    default:
      return false;
  }
}

bool er_make_unary_rule(er_unary op, float alpha, const er_tensor *input, const er_tensor *output,
                        er_unary_rule *rule) {
  const float in = input->quant.scale[0], out = output->quant.scale[0];
  const float below = in * fabsf(alpha);
  er_bounds bounds;
  *rule = (er_unary_rule){.op = op,
                          .alpha = alpha,
                          .in_scale = in,
                          .out_scale = out,
                          .out_inverse = 1.0f / out,
                          .in_zero = input->quant.zero_point[0],
                          .out_zero = output->quant.zero_point[0],
                          .range = er_type_range(output->type),
                          .ratio = er_fixed_from((double)(in / out)),
                          .below = er_fixed_from((double)(below / out)),
                          .near_ratio = in_256ths(in / out),
                          .near_below = in_256ths(in / out * alpha),
                          .apply = apply_real};
  if (op == ER_LEAKY_RELU) rule->apply = apply_near;
  if (op == ER_SQRT) rule->apply = apply_truncated;
  if (op == ER_HARD_SWISH && input->type != EDGERT_INT16) return choose_swish(rule);
  if (input->type == EDGERT_INT16) choose_s16(rule);
  if (!clips(op, &bounds)) return op != ER_LEAKY_RELU || rule->ratio.multiplier != 0;
  rule->range = er_quantized_range_away(output, bounds);
  rule->apply = apply_ratio;
  return rule->ratio.multiplier != 0;
}

static bool is_short(int64_t slope) { return slope >= -INT16_MAX && slope <= INT16_MAX; }

bool er_unary_slopes(const er_unary_rule *rule, er_slopes *slopes) {
  const bool mirrors = rule->op == ER_NEG && rule->in_scale == rule->out_scale;
  const int64_t above = mirrors ? -256 : rule->near_ratio;
  const int64_t below = mirrors ? -256 : rule->near_below;
  if (!mirrors && rule->apply != apply_near) return false;
  if (!is_short(above) || !is_short(below)) return false;
  *slopes = (er_slopes){rule->in_zero, rule->out_zero, (int32_t)above, (int32_t)below};
  return true;
}
