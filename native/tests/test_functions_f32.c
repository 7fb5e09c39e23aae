/* The float functions: errors of the generic versions against libm in double precision, over floats
 * of every exponent, and the same bits on every instruction set of this machine. */
#include <math.h>
#include <stdio.h>

#include "check.h"
#include "kernels/functions_f32.h"
#include "kernels/kernels.h"
#include "random_numbers.h"

static er_kernels generic, tested;

enum { COUNT = 1 << 16, STEP = (1 << 16) + 1, OPERATIONS = ER_TANH + 1 };

/* Floats of all exponents and both signs; infinities and NaN among them. */
static void all_floats(float values[COUNT]) {
  for (uint32_t i = 0; i < COUNT; i++) values[i] = er_float_of(i * (uint32_t)STEP);
}

/* Those where functions change most, evenly. */
static void middle_floats(float values[COUNT]) {
  for (int32_t i = 0; i < COUNT; i++) values[i] = (float)(i - COUNT / 2) * (110.0f / COUNT * 2);
}

/* @return the distance of `actual` from the real number in units in its last place */
static double ulps(double real, float actual) {
  if (isnan(real)) return isnan(actual) ? 0 : INFINITY;
  if (isinf((float)real) || isinf(actual)) return (float)real == actual ? 0 : INFINITY;
  int exponent;
  frexp(real, &exponent);
  return fabs(real - actual) / ldexp(1.0, exponent < -125 ? -149 : exponent - 24);
}

/* A function, its real counterpart and its bound. */
typedef struct accuracy {
  er_unary op;
  double ulps;
  double
      of_input; /* plus this share of the argument: GELU's tail is a difference of near numbers */
} accuracy;

static const accuracy table[] = {
    {ER_EXP, 1, 0},     {ER_LOGISTIC, 2, 0},   {ER_TANH, 2.6, 0},          {ER_ELU, 1.5, 0},
    {ER_LOG, 1, 0},     {ER_GELU, 1, 0x1p-23}, {ER_GELU_TANH, 1, 0x1p-21}, {ER_SQRT, 0.5, 0},
    {ER_RSQRT, 1.5, 0}, {ER_SIN, 1.6, 0},      {ER_COS, 1.6, 0},
};

static void check_accuracy(const accuracy *wanted, const float input[COUNT]) {
  static float output[COUNT];
  double worst = 0;
  float where = 0;
  generic.unary_f32(wanted->op, 0.0f, COUNT, input, output);
  for (int32_t i = 0; i < COUNT; i++) {
    const double real = er_unary_real(wanted->op, 0, (double)input[i]);
    if (isinf(input[i]) && wanted->of_input > 0) continue;
    if (fabs(real - output[i]) <= wanted->of_input * fabs((double)input[i])) continue;
    const double error = ulps(real, output[i]);
    if (error > worst) worst = error, where = input[i];
  }
  printf("operation %d: %.3f ulp at %a\n", (int)wanted->op, worst, (double)where);
  CHECK(worst <= wanted->ulps);
}

static bool same_bits(const float *a, const float *b, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (isnan(a[i]) && isnan(b[i])) continue;
    if (er_bits_of(a[i]) != er_bits_of(b[i])) return false;
  }
  return true;
}

static void check_bits(const float input[COUNT]) {
  static float expected[COUNT], actual[COUNT];
  for (int32_t op = 0; op < OPERATIONS; op++) {
    const int32_t count = COUNT - random_from(0, 70);
    memset(expected, 0, sizeof expected);
    memcpy(actual, input, sizeof actual);
    memset(actual + count, 0, (size_t)(COUNT - count) * sizeof *actual);
    generic.unary_f32((er_unary)op, 0.1f, count, input, expected);
    tested.unary_f32((er_unary)op, 0.1f, count, random_from(0, 1) ? actual : input, actual);
    CHECK(same_bits(expected, actual, COUNT));
  }
}

static void check_binary(const float input[COUNT]) {
  float expected[300], actual[300];
  const int32_t count = random_from(1, 300), a_step = random_from(0, 1), b_step = random_from(0, 1);
  const float *a = input + random_from(0, COUNT - 300), *b = input + random_from(0, COUNT - 300);
  for (int32_t op = 0; op <= ER_PRELU; op++) {
    const float high = random_from(0, 1) ? 6.0f : INFINITY;
    generic.binary_f32((er_binary)op, count, a, a_step, b, b_step, -high, high, expected);
    tested.binary_f32((er_binary)op, count, a, a_step, b, b_step, -high, high, actual);
    CHECK(same_bits(expected, actual, (size_t)count));
    for (int32_t i = 0; i < count; i++) { /* each element by itself */
      generic.binary_f32((er_binary)op, 1, a + i * a_step, 1, b + i * b_step, 1, -high, high,
                         actual + i);
    }
    CHECK(same_bits(expected, actual, (size_t)count));
  }
}

static void check_softmax_row(int32_t depth, float beta, const float *input, const float *output) {
  double most = -INFINITY, sum = 0;
  for (int32_t d = 0; d < depth; d++) {
    if (input[d] > most) most = input[d];
  }
  for (int32_t d = 0; d < depth; d++) sum += exp(((double)input[d] - most) * (double)beta);
  for (int32_t d = 0; d < depth; d++) {
    const double real = exp(((double)input[d] - most) * (double)beta) / sum;
    const double argument = fabs(((double)input[d] - most) * (double)beta);
    CHECK(fabs(real - output[d]) <= 0x1p-23 * (argument + 4) * real + 0x1p-140);
  }
}

static void check_softmax(void) {
  const int32_t depth = random_from(1, 200), rows = random_from(1, 4);
  const size_t count = (size_t)depth * (size_t)rows;
  const float beta = (float)random_from(1, 20) / 10.0f;
  float *input = malloc(count * sizeof *input), *expected = malloc(count * sizeof *expected);
  for (size_t i = 0; i < count; i++) input[i] = (float)random_from(-9000, 9000) / 1000.0f;
  generic.softmax_f32(false, rows, depth, beta, input, expected);
  for (int32_t r = 0; r < rows; r++) {
    check_softmax_row(depth, beta, input + (size_t)r * (size_t)depth,
                      expected + (size_t)r * (size_t)depth);
  }
  tested.softmax_f32(false, rows, depth, beta, input, input);
  CHECK(same_bits(expected, input, count));
  /* What is masked, and what is no number. */
  static const float strange[] = {-1e4f, -103.5f, -95.0f, -INFINITY, INFINITY, NAN};
  for (int32_t s = 0; s < 6; s++) {
    const size_t at = (size_t)random_from(0, (int32_t)count - 1);
    for (size_t i = at; i < count; i++) input[i] += i % 3 == 0 ? strange[s] : 0.0f;
    generic.softmax_f32(false, rows, depth, beta, input, expected);
    tested.softmax_f32(false, rows, depth, beta, input, input);
    CHECK(same_bits(expected, input, count));
    for (size_t i = 0; i < count; i++) CHECK(!(input[i] > 0 && input[i] < 0x1p-126f));
  }
  free(input), free(expected);
}

static void check_log_softmax(void) {
  const int32_t depth = random_from(1, 200), rows = random_from(1, 9);
  const size_t count = (size_t)depth * (size_t)rows;
  float *input = malloc(count * sizeof *input), *expected = malloc(count * sizeof *expected);
  for (size_t i = 0; i < count; i++) input[i] = (float)random_from(-9000, 9000) / 1000.0f;
  generic.softmax_f32(true, rows, depth, 1.0f, input, expected);
  double sum = 0;
  for (int32_t d = 0; d < depth; d++) sum += exp((double)input[d]);
  for (int32_t d = 0; d < depth; d++) {
    CHECK(fabs((double)input[d] - log(sum) - expected[d]) <= 0x1p-22 * 20);
  }
  tested.softmax_f32(true, rows, depth, 1.0f, input, input);
  CHECK(same_bits(expected, input, count));
  free(input), free(expected);
}

int main(void) {
  static float all[COUNT], middle[COUNT];
  all_floats(all), middle_floats(middle);
  CHECK(er_kernels_for("generic", &generic));
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    check_accuracy(&table[i], all);
    check_accuracy(&table[i], middle);
  }
  const char *isa;
  for (int32_t i = 0; (isa = er_kernels_isa(i)) != NULL; i++) {
    CHECK(er_kernels_for(isa, &tested));
    check_bits(all), check_bits(middle);
    for (int32_t round = 0; round < 300; round++)
      check_softmax(), check_log_softmax(), check_binary(middle);
  }
  return check_result();
}
