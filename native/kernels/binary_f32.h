/* Elementwise functions of two float32 arguments, for loops of any kind. */
#ifndef ER_BINARY_F32_H
#define ER_BINARY_F32_H

#include <math.h>

#include "float.h"

typedef struct er_keep {
  float low, high;
} er_keep;

static inline float er_kept(float value, er_keep keep) {
  const float above = value < keep.low ? keep.low : value;
  return above > keep.high ? keep.high : above;
}

static inline float er_floor_mod(float a, float b) {
  const float rest = fmodf(a, b);
  return rest != 0.0f && (rest < 0.0f) != (b < 0.0f) ? rest + b : rest;
}

/* A name, the operation, and an expression of x and y, an element of either argument. */
#define ER_BINARY_F32(FUNCTION)                                          \
  FUNCTION(add, ER_ADD, x + y)                                           \
  FUNCTION(subtract, ER_SUB, x - y)                                      \
  FUNCTION(multiply, ER_MUL, x *y)                                       \
  FUNCTION(divide, ER_DIV, x / y)                                        \
  FUNCTION(larger, ER_MAXIMUM, x > y ? x : y)                            \
  FUNCTION(smaller, ER_MINIMUM, x < y ? x : y)                           \
  FUNCTION(squared_difference, ER_SQUARED_DIFFERENCE, (x - y) * (x - y)) \
  FUNCTION(power, ER_POW, powf(x, y))                                    \
  FUNCTION(floor_divide, ER_FLOOR_DIV, floorf(x / y))                    \
  FUNCTION(floor_modulo, ER_FLOOR_MOD, er_floor_mod(x, y))               \
  FUNCTION(prelu, ER_PRELU, x >= 0.0f ? x : x * y)

#endif
