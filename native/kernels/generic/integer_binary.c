#include "kernels/kernels.h"
#include "kernels/load.h"

/* Unsigned arithmetic wraps where signed arithmetic would be undefined. */
static int64_t wrap(edgert_type type, uint64_t value) {
  return type == EDGERT_INT64 ? (int64_t)value : (int32_t)(uint32_t)value;
}

static int64_t power(edgert_type type, int64_t base, int64_t exponent) {
  uint64_t result = 1, square = (uint64_t)base;
  for (; exponent > 0; exponent >>= 1, square *= square) {
    if (exponent & 1) result *= square;
  }
  return wrap(type, result);
}

static int64_t floor_div(int64_t a, int64_t b) {
  const int64_t quotient = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

static int64_t floor_mod(int64_t a, int64_t b) {
  const int64_t rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

static int64_t divide(er_binary op, edgert_type type, int64_t a, int64_t b) {
  if (b == -1) return op == ER_FLOOR_MOD ? 0 : wrap(type, 0 - (uint64_t)a); /* INT_MIN / -1 */
  return op == ER_DIV ? a / b : op == ER_FLOOR_DIV ? floor_div(a, b) : floor_mod(a, b);
}

static int64_t combine(er_binary op, edgert_type type, int64_t a, int64_t b) {
  const uint64_t x = (uint64_t)a, y = (uint64_t)b;
  switch (op) {
    case ER_ADD:
      return wrap(type, x + y);
    case ER_SUB:
      return wrap(type, x - y);
    case ER_MUL:
      return wrap(type, x * y);
    case ER_SQUARED_DIFFERENCE:
      return wrap(type, (x - y) * (x - y));
    case ER_MAXIMUM:
      return a > b ? a : b;
    case ER_MINIMUM:
      return a < b ? a : b;
    case ER_POW:
      return power(type, a, b);
    case ER_PRELU:
      return a >= 0 ? a : wrap(type, x * y);
    default:
      return divide(op, type, a, b);
  }
}

static bool is_defined(er_binary op, int64_t b) {
  if (op == ER_POW) return b >= 0;
  return b != 0 || (op != ER_DIV && op != ER_FLOOR_DIV && op != ER_FLOOR_MOD);
}

bool er_integer_binary_row(er_binary op, edgert_type type, er_wide_range range, int32_t count,
                           const void *a, int32_t a_step, const void *b, int32_t b_step,
                           void *output) {
  for (int32_t i = 0; i < count; ++i) {
    const int64_t x = er_load(type, a, (int64_t)i * a_step);
    const int64_t y = er_load(type, b, (int64_t)i * b_step);
    if (!is_defined(op, y)) return false;
    const int64_t value = combine(op, type, x, y);
    er_store(type, output, i,
             value < range.low    ? range.low
             : value > range.high ? range.high
                                  : value);
  }
  return true;
}
