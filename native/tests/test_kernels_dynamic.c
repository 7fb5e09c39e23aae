/* Dynamic quantization on every instruction set against the generic rule, bit for bit: ordinary,
 * constant and broken rows, any length. */
#include <math.h>

#include "every_layer.h"

enum { ROUNDS = 300 };

static void spoil(float *values, size_t count) {
  const float odd[] = {NAN, INFINITY, -INFINITY, 3e38f, -3e38f, 0.0f, -0.0f, 1e-40f};
  for (size_t i = 0; i < count; i++) {
    if (random_from(0, 15) == 0) values[i] = odd[random_from(0, 7)];
  }
}

static void test_rows(const er_kernels *oracle, const er_kernels *kernels) {
  const size_t count = (size_t)random_from(1, 150);
  float *input = malloc(count * sizeof *input);
  int8_t *expected = malloc(count), *actual = malloc(count);
  random_float(input, count);
  const float shift = (float)random_from(-3, 3), width = (float)random_from(0, 3);
  for (size_t i = 0; i < count; i++) input[i] = input[i] * width + shift;
  if (random_from(0, 3) == 0) spoil(input, count);
  const er_row_quant a = oracle->quantize_row((int64_t)count, input, expected);
  const er_row_quant b = kernels->quantize_row((int64_t)count, input, actual);
  CHECK(memcmp(&a, &b, sizeof a) == 0);
  CHECK(memcmp(expected, actual, count) == 0);
  free(input), free(expected), free(actual);
}

static void test_scaling(const er_kernels *oracle, const er_kernels *kernels) {
  const int32_t rows = random_from(1, 5), units = random_from(1, 40);
  const size_t n = (size_t)rows * (size_t)units;
  int32_t sums[200], weight_sums[40];
  float scale[40], bias[40], expected[200], actual[200];
  er_row_quant quant[5];
  for (size_t i = 0; i < n; i++) sums[i] = random_from(-1000000, 1000000);
  for (int32_t u = 0; u < units; u++) weight_sums[u] = random_from(-9000, 9000);
  for (int32_t r = 0; r < rows; r++) {
    quant[r] = (er_row_quant){(float)random_from(1, 99) * 1e-3f, random_from(-128, 127)};
  }
  random_float(scale, (size_t)units);
  random_float(bias, (size_t)units);
  er_scale_sums_call call = {.rows = rows,
                             .units = units,
                             .sums = sums,
                             .sums_stride = units,
                             .quant = quant,
                             .weight_sums = weight_sums,
                             .weight_scale = scale,
                             .bias = random_from(0, 1) ? bias : NULL,
                             .low = random_from(0, 1) ? 0.0f : -INFINITY,
                             .high = INFINITY,
                             .output = expected,
                             .output_stride = units};
  oracle->scale_sums(&call);
  call.output = actual;
  kernels->scale_sums(&call);
  CHECK(memcmp(expected, actual, n * sizeof *actual) == 0);
}

int main(void) {
  on_every_layer(ROUNDS, test_rows);
  on_every_layer(ROUNDS, test_scaling);
  return check_result();
}
