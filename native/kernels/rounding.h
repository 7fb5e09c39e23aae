/* The roundings of docs/NUMERICS.md. Each is exact and depends on no instruction set. */
#ifndef ER_ROUNDING_H
#define ER_ROUNDING_H

#include <math.h>
#include <stdint.h>

/** @return `value` rounded to the nearest integer, ties to even; |value| < 2^22.
 * Adding 1.5 * 2^23 leaves no bits for a fraction; unlike rintf this needs no SSE4.1 to be fast. */
static inline int32_t er_rint(float value) {
  const float magic = 12582912.0f;
  return (int32_t)((value + magic) - magic);
}

/** Bring an accumulator to a stored integer: clamp(rint(value) + zero_point).
 * @param value already scaled to units of the output
 * @param zero_point,low,high |.| <= 2^16; low <= high bound the result */
static inline int32_t er_settle(float value, int32_t zero_point, int32_t low, int32_t high) {
  const float least = (float)(low - zero_point);
  const float most = (float)(high - zero_point);
  value = value > least ? value : least; /* false for NaN: gives `least` */
  value = value < most ? value : most;
  return er_rint(value) + zero_point;
}

static inline int32_t er_clamp(int64_t value, int32_t low, int32_t high) {
  return value < low ? low : value > high ? high : (int32_t)value;
}

/** A positive real number as multiplier * 2^(exponent - 31), multiplier in [2^30, 2^31). */
typedef struct er_fixed {
  int32_t multiplier;
  int32_t exponent;
} er_fixed;

/** @return fixed(value) of docs/NUMERICS.md; {0, 0} when value < 2^-32 or > 2^30 or not finite. */
er_fixed er_fixed_from(double value);

/** mulfix(value, scale) of docs/NUMERICS.md, rounding twice; value * 2^exponent saturates at 2^31.
 */
int32_t er_mulfix(int32_t value, er_fixed scale);

/** The 16-bit multiplier form that LiteRT uses on 64-bit accumulators.
 * @param value |value| < 2^47
 * @param scale exponent < 15 */
int64_t er_mulfix_wide(int64_t value, er_fixed scale);

#endif
