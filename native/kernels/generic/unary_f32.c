/* Elementwise functions of one float32 argument. */
#include <math.h>

#include "kernels/float.h"

static float clip(float x, float low, float high) { return x < low ? low : x > high ? high : x; }

static float logistic(float x) { return 1.0f / (1.0f + expf(-x)); }

static float gelu(float x) { return 0.5f * x * (1.0f + erff(x * 0.70710678f)); }

static float gelu_tanh(float x) {
  return 0.5f * x * (1.0f + tanhf(0.79788456f * (x + 0.044715f * x * x * x)));
}

static float sign(float x) { return x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : x; }

static float apply(er_unary op, float alpha, float x) {
  switch (op) {
    case ER_ABS:
      return fabsf(x);
    case ER_CEIL:
      return ceilf(x);
    case ER_COS:
      return cosf(x);
    case ER_ELU:
      return x < 0.0f ? expm1f(x) : x;
    case ER_EXP:
      return expf(x);
    case ER_FLOOR:
      return floorf(x);
    case ER_GELU:
      return gelu(x);
    case ER_GELU_TANH:
      return gelu_tanh(x);
    case ER_HARD_SWISH:
      return x * clip(x + 3.0f, 0.0f, 6.0f) * (1.0f / 6.0f);
    case ER_LEAKY_RELU:
      return x < 0.0f ? x * alpha : x;
    case ER_LOG:
      return logf(x);
    case ER_LOGISTIC:
      return logistic(x);
    case ER_NEG:
      return -x;
    case ER_RELU:
      return x < 0.0f ? 0.0f : x;
    case ER_RELU_0_TO_1:
      return clip(x, 0.0f, 1.0f);
    case ER_RELU_N1_TO_1:
      return clip(x, -1.0f, 1.0f);
    case ER_RELU6:
      return clip(x, 0.0f, 6.0f);
    case ER_ROUND:
      return rintf(x);
    case ER_RSQRT:
      return 1.0f / sqrtf(x);
    case ER_SIGN:
      return sign(x);
    case ER_SIN:
      return sinf(x);
    case ER_SQRT:
      return sqrtf(x);
    case ER_SQUARE:
      return x * x;
    case ER_TANH:
      return tanhf(x);
  }
  return x;
}

void er_unary_f32(er_unary op, float alpha, int64_t count, const float *input, float *output) {
  for (int64_t i = 0; i < count; i++) output[i] = apply(op, alpha, input[i]);
}
