#include <math.h>

#include "kernels/kernels.h"

#define ROOT_HALF 0.70710678118654752440
#define ROOT_2_OVER_PI 0.79788456080286535588

static double between(double low, double value, double high) {
  return value < low ? low : value > high ? high : value;
}

/* By a function that is needed anyway: the C library's would be 1 kB of a static program. */
static double hyperbolic_tangent(double x) {
  const double e = expm1(-2 * fabs(x));
  return copysign(e / (e + 2), x);
}

/* By the sine, for the same reason: 1 - 2 sin(x / 2)^2. */
static double cosine(double x) {
  const double s = sin(x / 2);
  return 1 - 2 * s * s;
}

double er_unary_real(er_unary op, double alpha, double x) {
  switch (op) {
    case ER_ABS:
      return fabs(x);
    case ER_CEIL:
      return ceil(x);
    case ER_COS:
      return cosine(x);
    case ER_ELU:
      return x < 0 ? expm1(x) : x;
    case ER_EXP:
      return exp(x);
    case ER_FLOOR:
      return floor(x);
    case ER_GELU:
      return 0.5 * x * (1 + erf(x * ROOT_HALF));
    case ER_GELU_TANH:
      return 0.5 * x * (1 + hyperbolic_tangent(ROOT_2_OVER_PI * (x + 0.044715 * x * x * x)));
    case ER_HARD_SWISH:
      return x * between(0, x + 3, 6) / 6;
    case ER_LEAKY_RELU:
      return x < 0 ? x * alpha : x;
    case ER_LOG:
      return log(x);
    case ER_LOGISTIC:
      return 1 / (1 + exp(-x));
    case ER_NEG:
      return -x;
    case ER_RELU:
      return x > 0 ? x : 0;
    case ER_RELU_0_TO_1:
      return between(0, x, 1);
    case ER_RELU_N1_TO_1:
      return between(-1, x, 1);
    case ER_RELU6:
      return between(0, x, 6);
    case ER_ROUND:
      return rint(x);
    case ER_RSQRT:
      return 1 / sqrt(x);
    case ER_SIGN:
      return (x > 0) - (x < 0);
    case ER_SIN:
      return sin(x);
    case ER_SQRT:
      return sqrt(x);
    case ER_SQUARE:
      return x * x;
    case ER_TANH:
      return hyperbolic_tangent(x);
  }
  return 0;
}
