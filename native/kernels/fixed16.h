/* Sigmoid and tanh on 16-bit fixed point, as the integer LSTM of TFLite defines them.
 * Exponentials come from a Taylor polynomial on [-1/4, 0) and a product of constants exp(-2^k);
 * quotients from three Newton steps (the fixed-point functions of gemmlowp, whose bits these are).
 */
#ifndef ER_FIXED16_H
#define ER_FIXED16_H

#include <stdint.h>

/** @param value 3 integer bits: value / 2^12  @return 32768 / (1 + exp(-value)), saturated */
int16_t er_sigmoid_q3(int16_t value);

/** @param integer_bits 0..6: the argument is value / 2^(15 - integer_bits)
 * @return 32768 * tanh(argument), saturated */
int16_t er_tanh_q(int32_t integer_bits, int16_t value);

/** @return value / 2^exponent, ties away from zero; exponent 0..31. */
int32_t er_divide_by_power(int32_t value, int32_t exponent);

/** @return `value` brought into the range of int16. */
int16_t er_saturate16(int32_t value);

#endif
