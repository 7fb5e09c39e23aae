/* Elementwise functions of one float32 argument. Other instruction sets compile this file again. */
#include "kernels/float.h"
#include "kernels/functions_f32.h"
#include "kernels/kernels.h"

static inline float clip(float x, float low, float high) {
  const float above = x < low ? low : x;
  return above > high ? high : above;
}

/* Values are computed in whole blocks: a vector loop without a tail, into an array of its own, so
 * that there is nothing that the compiler must prove of the caller's pointers. */
enum { BLOCK = 64 };
#ifndef ER_EACH
#define ER_EACH for (int64_t i = 0; i < (count & -BLOCK); i++)
#endif

/* An expression of x, the value, and alpha. */
#define FUNCTION(name, expression)                                                           \
  static void name(float alpha, int64_t count, const float *input, float *restrict values) { \
    (void)alpha;                                                                             \
    ER_EACH {                                                                                \
      const float x = input[i];                                                              \
      values[i] = (expression);                                                              \
    }                                                                                        \
  }

FUNCTION(absolute, fabsf(x))
FUNCTION(round_up, ceilf(x))
FUNCTION(near_sine, er_sine(x, (uint32_t)alpha))
FUNCTION(elu, x < 0.0f ? er_expm1_below(x) : x)
FUNCTION(exponential, er_exp(x))
FUNCTION(round_down, floorf(x))
FUNCTION(gelu, er_gelu(x))
FUNCTION(gelu_tanh, er_gelu_tanh(x))
FUNCTION(hard_swish, x *clip(x + 3.0f, 0.0f, 6.0f) * (1.0f / 6.0f))
FUNCTION(leaky_relu, x < 0.0f ? x * alpha : x)
FUNCTION(logarithm, er_log(x))
FUNCTION(logistic, er_logistic(x))
FUNCTION(negative, -x)
FUNCTION(relu, x < 0.0f ? 0.0f : x)
FUNCTION(relu_0_to_1, clip(x, 0.0f, 1.0f))
FUNCTION(relu_n1_to_1, clip(x, -1.0f, 1.0f))
FUNCTION(relu6, clip(x, 0.0f, 6.0f))
FUNCTION(round_even, rintf(x))
FUNCTION(reciprocal_root, 1.0f / sqrtf(x))
FUNCTION(sign, x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : x)
FUNCTION(root, sqrtf(x))
FUNCTION(square, x *x)
FUNCTION(hyperbolic_tangent, er_tanh(x))

/* Angles beyond what the reduction is exact for, infinite ones among them, by the C library, of
 * doubles, which the other tables need anyway. @param quarters 1 is the cosine */
static void circular(er_unary op, float quarters, int64_t count, const float *input,
                     float *restrict values) {
  uint32_t most = 0; /* of the bits, whose order is that of magnitudes */
  count &= -BLOCK;
  near_sine(quarters, count, input, values);
  for (int64_t i = 0; i < count; i++) {
    const uint32_t bits = er_bits_of(fabsf(input[i]));
    most = bits > most ? bits : most;
  }
  for (int64_t i = 0; i < count && most > er_bits_of(ER_SINE_MOST); i++) {
    if (fabsf(input[i]) > ER_SINE_MOST) values[i] = (float)er_unary_real(op, 0.0, (double)input[i]);
  }
}

static void sine(float alpha, int64_t count, const float *input, float *restrict values) {
  (void)alpha;
  circular(ER_SIN, 0.0f, count, input, values);
}

static void cosine(float alpha, int64_t count, const float *input, float *restrict values) {
  (void)alpha;
  circular(ER_COS, 1.0f, count, input, values);
}

static void (*const functions[])(float alpha, int64_t count, const float *input,
                                 float *restrict values) = {
    [ER_ABS] = absolute,
    [ER_CEIL] = round_up,
    [ER_COS] = cosine,
    [ER_ELU] = elu,
    [ER_EXP] = exponential,
    [ER_FLOOR] = round_down,
    [ER_GELU] = gelu,
    [ER_GELU_TANH] = gelu_tanh,
    [ER_HARD_SWISH] = hard_swish,
    [ER_LEAKY_RELU] = leaky_relu,
    [ER_LOG] = logarithm,
    [ER_LOGISTIC] = logistic,
    [ER_NEG] = negative,
    [ER_RELU] = relu,
    [ER_RELU_0_TO_1] = relu_0_to_1,
    [ER_RELU_N1_TO_1] = relu_n1_to_1,
    [ER_RELU6] = relu6,
    [ER_ROUND] = round_even,
    [ER_RSQRT] = reciprocal_root,
    [ER_SIGN] = sign,
    [ER_SIN] = sine,
    [ER_SQRT] = root,
    [ER_SQUARE] = square,
    [ER_TANH] = hyperbolic_tangent,
};

void er_unary_f32(er_unary op, float alpha, int64_t count, const float *input, float *output) {
  float values[BLOCK], rest[BLOCK] = {0};
  int64_t i = 0;
  if (input != output) {
    functions[op](alpha, count, input, output);
    i = count & -BLOCK;
  }
  for (; i < count; i += BLOCK) {
    const int64_t left = count - i < BLOCK ? count - i : BLOCK;
    const size_t bytes = (size_t)left * sizeof *values;
    const float *from = left < BLOCK ? memcpy(rest, input + i, bytes) : input + i;
    functions[op](alpha, BLOCK, from, values);
    memcpy(output + i, values, bytes);
  }
}
