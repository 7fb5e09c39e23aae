#include "kernels/rounding.h"

er_fixed er_fixed_from(double value) {
  er_fixed fixed = {0, 0};
  if (!(value >= 0x1p-32 && value <= 0x1p30)) return fixed;
  int exponent = 0;
  int64_t multiplier = (int64_t)floor(frexp(value, &exponent) * 0x1p31 + 0.5);
  if (multiplier == INT64_C(1) << 31) {
    multiplier /= 2;
    ++exponent;
  }
  fixed.multiplier = (int32_t)multiplier;
  fixed.exponent = exponent;
  return fixed;
}

int32_t er_mulfix(int32_t value, er_fixed scale) {
  const int32_t left = scale.exponent > 0 ? scale.exponent : 0;
  const int32_t right = scale.exponent < 0 ? -scale.exponent : 0;
  const int64_t shifted = er_clamp((int64_t)value * (INT64_C(1) << left), INT32_MIN, INT32_MAX);
  const int64_t product = shifted * scale.multiplier;
  const int64_t nudge = product >= 0 ? INT64_C(1) << 30 : 1 - (INT64_C(1) << 30);
  const int64_t high = (product + nudge) / (INT64_C(1) << 31);
  const int64_t mask = (INT64_C(1) << right) - 1;
  const int64_t threshold = (mask >> 1) + (high < 0);
  return (int32_t)((high >> right) + ((high & mask) > threshold));
}

int64_t er_mulfix_wide(int64_t value, er_fixed scale) {
  const int64_t reduced =
      scale.multiplier < 0x7FFF0000 ? (scale.multiplier + (1 << 15)) >> 16 : 0x7FFF;
  const int32_t shift = 15 - scale.exponent;
  const int64_t product = value * reduced;
  if (shift <= 0) return product * (INT64_C(1) << -shift);
  return (product + (INT64_C(1) << (shift - 1))) >> shift;
}
