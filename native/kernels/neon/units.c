#include "kernels/neon/units.h"

#include "kernels/kernels.h"

/* Whether a way holds for all sums of a unit; finds what it needs. */
static bool holds(enum er_settling way, er_range_s8 range, er_unit *u) {
  const int64_t most = u->high > -(int64_t)u->low ? u->high : -(int64_t)u->low;
  switch (way) {
    case ER_BOUNDED:
      return (float)most * u->scale < 32000.0f;
#ifdef __aarch64__ /* ARMv7 has no fused FMLA */
    case ER_FMA_ADD:
      return range.zero_point % 2 == 0 && er_fma_add_of(u->scale, u->low, u->high, range, &u->fma);
    case ER_FMA_ADD_ODD:
      return er_fma_add_of(u->scale, u->low, u->high, range, &u->fma);
    case ER_ONE_FMA:
      return er_one_fma_of(u->scale, u->low, u->high, range, &u->fma);
#else
      (void)range;
#endif
    default:
      return way == ER_SATURATED || way == ER_PLAIN;
  }
}

static bool holds_for_all(enum er_settling way, er_range_s8 range, int32_t count, er_unit *units) {
  for (int32_t i = 0; i < count; i++) {
    if (!holds(way, range, &units[i])) return false;
  }
  return true;
}

/* A unit whose output is the same for all inputs, often one with hardly more than a bias, becomes
 * one with no weights: its scale may be tiny and its bias huge, which would bar its whole panel
 * from the faster ways. A quarter is a scale that all of them take. */
static void drop_idle_weights(er_range_s8 range, er_unit *u) {
  const int32_t least =
      er_settle((float)u->low * u->scale, range.zero_point, range.low, range.high);
  const int32_t most =
      er_settle((float)u->high * u->scale, range.zero_point, range.low, range.high);
  if (least != most) return;
  u->values = NULL;
  u->bias = u->low = u->high = 4 * (least - range.zero_point);
  u->scale = 0.25f;
}

/* @param first,step as for er_bias_less_zero_point */
static er_unit plain_unit(const er_weights_s8 *w, int32_t unit, int64_t first, int64_t step) {
  return (er_unit){.values = w->values + first,
                   .bias = er_bias_less_zero_point(w, unit, first, step),
                   .scale = w->scale[unit]};
}

static er_unit unit_of(const er_weights_s8 *w, int32_t unit, int64_t first, int64_t step) {
  er_unit u = plain_unit(w, unit, first, step);
  int64_t low = u.bias, high = u.bias;
  const int8_t *value = u.values;
  for (int32_t d = 0; d < w->depth; d++, value += step) {
    low += *value < 0 ? *value * 127 : *value * -128;
    high += *value < 0 ? *value * -128 : *value * 127;
  }
  u.low = (int32_t)low;
  u.high = (int32_t)high;
  drop_idle_weights(w->range, &u);
  return u;
}

enum er_settling er_units_of(const er_weights_s8 *weights, int32_t first, int32_t count,
                             int64_t unit_step, int64_t step, const enum er_settling *ways,
                             er_unit *units) {
  for (int32_t i = 0; i < count; i++) {
    const int64_t at = (first + i) * unit_step;
    units[i] = *ways == ER_PLAIN ? plain_unit(weights, first + i, at, step)
                                 : unit_of(weights, first + i, at, step);
  }
  while (!holds_for_all(*ways, weights->range, count, units)) ways++;
  return *ways;
}

er_unit_constants er_constants_of(const er_unit *u, enum er_settling how) {
  if (how < ER_FMA_ADD_ODD || how == ER_PLAIN) return (er_unit_constants){u->bias, u->scale, 0.0f};
  return (er_unit_constants){u->bias + u->fma.start, u->fma.factor, u->fma.offset};
}
