/* Elementwise functions of two float32 arguments. */
#include <math.h>

#include "kernels/float.h"

static float floor_mod(float a, float b) {
  const float rest = fmodf(a, b);
  return rest != 0.0f && (rest < 0.0f) != (b < 0.0f) ? rest + b : rest;
}

static inline float apply(er_binary op, float a, float b) {
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

/* What a row needs beside the operation and the steps. */
typedef struct row {
  int32_t count;
  const float *a, *b;
  float low, high;
  float *output;
} row;

/* With constant op and steps the loop is a vector loop where the operation is one instruction. */
static inline void compute(const row *r, er_binary op, int64_t a_step, int64_t b_step) {
  const float *a = r->a, *b = r->b;
  float *output = r->output;
  const float low = r->low, high = r->high;
  for (int32_t i = 0; i < r->count; i++) {
    const float value = apply(op, a[i * a_step], b[i * b_step]);
    const float bounded = value < low ? low : value;
    output[i] = bounded > high ? high : bounded;
  }
}

static inline void with_steps(const row *r, er_binary op, int32_t a_step, int32_t b_step) {
  if (a_step == 1 && b_step == 1) {
    compute(r, op, 1, 1);
  } else if (a_step == 1) {
    compute(r, op, 1, 0);
  } else {
    compute(r, op, 0, b_step);
  }
}

void er_binary_f32(er_binary op, int32_t count, const float *a, int32_t a_step, const float *b,
                   int32_t b_step, float low, float high, float *output) {
  const row r = {count, a, b, low, high, output};
  switch (op) {
    case ER_ADD:
      with_steps(&r, ER_ADD, a_step, b_step);
      break;
    case ER_SUB:
      with_steps(&r, ER_SUB, a_step, b_step);
      break;
    case ER_MUL:
      with_steps(&r, ER_MUL, a_step, b_step);
      break;
    case ER_DIV:
      with_steps(&r, ER_DIV, a_step, b_step);
      break;
    case ER_SQUARED_DIFFERENCE:
      with_steps(&r, ER_SQUARED_DIFFERENCE, a_step, b_step);
      break;
    default:
      compute(&r, op, a_step, b_step);
  }
}
