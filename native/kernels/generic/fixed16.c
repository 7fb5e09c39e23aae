#include "kernels/fixed16.h"

int32_t er_divide_by_power(int32_t value, int32_t exponent) {
  const int32_t mask = (int32_t)((INT64_C(1) << exponent) - 1);
  const int32_t threshold = (mask >> 1) + (value < 0);
  return (value >> exponent) + ((value & mask) > threshold);
}

int16_t er_saturate16(int32_t value) {
  return (int16_t)(value < INT16_MIN ? INT16_MIN : value > INT16_MAX ? INT16_MAX : value);
}

/* Product of two fractions with 15 bits, ties away from zero (half up below zero). */
static int16_t multiply(int16_t a, int16_t b) {
  if (a == INT16_MIN && b == INT16_MIN) return INT16_MAX;
  const int32_t product = (int32_t)a * b;
  return (int16_t)((product + (product >= 0 ? 1 << 14 : 1 - (1 << 14))) / (1 << 15));
}

static int16_t shift_left(int32_t value, int32_t exponent) {
  return er_saturate16(value * (1 << exponent));
}

/* exp(x) for x in [-1/4, 0), in 15 bits: around -1/8 the series of degree 4. */
static int16_t exp_of_quarter(int16_t value) {
  const int16_t exp_minus_eighth = 28918, third = 10923;
  const int16_t x = (int16_t)(value + (1 << 12));
  const int16_t x2 = multiply(x, x), x3 = multiply(x2, x), x4 = multiply(x2, x2);
  const int16_t inner = er_saturate16(er_divide_by_power(x4, 2) + x3);
  const int16_t series = (int16_t)er_divide_by_power(er_saturate16(multiply(inner, third) + x2), 1);
  return er_saturate16(exp_minus_eighth + multiply(exp_minus_eighth, er_saturate16(x + series)));
}

/* exp(x) for x <= 0 with `integer_bits`, in 15 bits. */
static int16_t exp_of_negative(int32_t integer_bits, int16_t value) {
  /* exp(-2^k) for k = -2..4 */
  static const int16_t powers[] = {25520, 19875, 12055, 4435, 600, 11, 0};
  const int32_t fraction_bits = 15 - integer_bits;
  if (value == 0) return INT16_MAX;
  const int32_t quarter = 1 << (fraction_bits - 2);
  const int32_t low = (value & (quarter - 1)) - quarter;
  const int32_t rest = low - value;
  int16_t result = exp_of_quarter(shift_left(low, integer_bits));
  for (int32_t k = -2; k < 5 && k < integer_bits; ++k) {
    if (rest & (1 << (fraction_bits + k))) result = multiply(result, powers[k + 2]);
  }
  return value < -(32 << fraction_bits) ? 0 : result;
}

/* 2 / (1 + a) for a in [0, 1], with 2 integer bits. */
static int16_t double_reciprocal(int16_t a) {
  const int16_t c48_17 = 23130, c32_17 = -15420, one = 1 << 13;
  const int16_t half = (int16_t)((a + INT16_MAX + 1) / 2);
  int16_t x = er_saturate16(c48_17 + multiply(half, c32_17));
  for (int32_t step = 0; step < 3; ++step) {
    const int16_t rest = er_saturate16(one - multiply(half, x));
    x = er_saturate16(x + shift_left(multiply(x, rest), 2));
  }
  return x;
}

int16_t er_sigmoid_q3(int16_t value) {
  if (value == 0) return 1 << 14;
  const int16_t minus = value > 0 ? (int16_t)-value : value;
  const int16_t positive = shift_left(double_reciprocal(exp_of_negative(3, minus)), 1);
  return value > 0 ? positive : (int16_t)(INT16_MAX - positive);
}

int16_t er_tanh_q(int32_t integer_bits, int16_t value) {
  if (value == 0) return 0;
  const int16_t minus = value > 0 ? (int16_t)-value : value;
  const int16_t x = double_reciprocal(exp_of_negative(integer_bits + 1, minus));
  const int16_t positive = shift_left(x - (1 << 13), 2);
  return value > 0 ? positive : (int16_t)-positive;
}
