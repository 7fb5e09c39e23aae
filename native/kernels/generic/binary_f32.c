/* Elementwise functions of two float32 arguments. Other instruction sets compile this file again. */
#include <math.h>

#include "kernels/float.h"

typedef struct bounds {
  float low, high;
} bounds;

static float floor_mod(float a, float b) {
  const float rest = fmodf(a, b);
  return rest != 0.0f && (rest < 0.0f) != (b < 0.0f) ? rest + b : rest;
}

/* An expression of x and y, an element of either argument. */
#define FUNCTION(name, expression)                                             \
  static void name(int32_t count, const float *a, const float *b, bounds keep, \
                   float *restrict output) {                                   \
    for (int32_t i = 0; i < count; i++) {                                      \
      const float x = a[i], y = b[i];                                          \
      const float value = (expression);                                        \
      const float above = value < keep.low ? keep.low : value;                 \
      output[i] = above > keep.high ? keep.high : above;                       \
    }                                                                          \
  }

FUNCTION(add, x + y)
FUNCTION(subtract, x - y)
FUNCTION(multiply, x *y)
FUNCTION(divide, x / y)
FUNCTION(larger, x > y ? x : y)
FUNCTION(smaller, x < y ? x : y)
FUNCTION(squared_difference, (x - y) * (x - y))
FUNCTION(power, powf(x, y))
FUNCTION(floor_divide, floorf(x / y))
FUNCTION(floor_modulo, floor_mod(x, y))
FUNCTION(prelu, x >= 0.0f ? x : x * y)

static void (*const functions[])(int32_t count, const float *a, const float *b, bounds keep,
                                 float *output) = {
    [ER_ADD] = add,
    [ER_SUB] = subtract,
    [ER_MUL] = multiply,
    [ER_DIV] = divide,
    [ER_MAXIMUM] = larger,
    [ER_MINIMUM] = smaller,
    [ER_SQUARED_DIFFERENCE] = squared_difference,
    [ER_POW] = power,
    [ER_FLOOR_DIV] = floor_divide,
    [ER_FLOOR_MOD] = floor_modulo,
    [ER_PRELU] = prelu,
};

/* An argument that is one value all along becomes a block of it, so that each function is one loop. */
enum { BLOCK = 64 };

static const float *spread(const float *value, float block[BLOCK]) {
  for (int32_t i = 0; i < BLOCK; i++) block[i] = *value;
  return block;
}

void er_binary_f32(er_binary op, int32_t count, const float *a, int32_t a_step, const float *b,
                   int32_t b_step, float low, float high, float *output) {
  const bounds keep = {low, high};
  float same_a[BLOCK], same_b[BLOCK];
  if (count == 0) return;
  if (a_step == 0) a = spread(a, same_a);
  if (b_step == 0) b = spread(b, same_b);
  const int32_t most = a_step && b_step ? count : BLOCK;
  for (int32_t i = 0; i < count; i += most) {
    const int32_t here = count - i < most ? count - i : most;
    functions[op](here, a + (int64_t)i * a_step, b + (int64_t)i * b_step, keep, output + i);
  }
}
