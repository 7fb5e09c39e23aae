/* Elementwise functions of two float32 arguments. */
#include <math.h>

#include "kernels/float.h"

static float floor_mod(float a, float b) {
  const float rest = fmodf(a, b);
  return rest != 0.0f && (rest < 0.0f) != (b < 0.0f) ? rest + b : rest;
}

static float apply(er_binary op, float a, float b) {
  switch (op) {
    case ER_ADD:
      return a + b;
    case ER_SUB:
      return a - b;
    case ER_MUL:
      return a * b;
    case ER_DIV:
      return a / b;
    case ER_MAXIMUM:
      return a > b ? a : b;
    case ER_MINIMUM:
      return a < b ? a : b;
    case ER_SQUARED_DIFFERENCE:
      return (a - b) * (a - b);
    case ER_POW:
      return powf(a, b);
    case ER_FLOOR_DIV:
      return floorf(a / b);
    case ER_FLOOR_MOD:
      return floor_mod(a, b);
    case ER_PRELU:
      return a >= 0.0f ? a : a * b;
  }
  return a;
}

void er_binary_f32(er_binary op, int32_t count, const float *a, int32_t a_step, const float *b,
                   int32_t b_step, float low, float high, float *output) {
  for (int32_t i = 0; i < count; i++) {
    const float value = apply(op, a[(int64_t)i * a_step], b[(int64_t)i * b_step]);
    const float bounded = value < low ? low : value;
    output[i] = bounded > high ? high : bounded;
  }
}
