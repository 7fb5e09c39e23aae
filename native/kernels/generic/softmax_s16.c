#include <math.h>
#include <stddef.h>

#include "kernels/table16.h"

static double exponential(const void *argument, double value) {
  (void)argument;
  return exp(value);
}

static double reciprocal(const void *argument, double value) {
  (void)argument;
  return 1 / (1 + value);
}

bool er_softmax16_for(float scale, float beta, er_softmax16 *rule) {
  const double unit = 10.0 / 65535;
  rule->scale = er_fixed_from((double)(scale * beta) / unit);
  er_table16_fill(&rule->exponential, &(er_table16_grid){unit, 2.0 / 65535, INT16_MAX, false},
                  exponential, NULL);
  er_table16_fill(&rule->reciprocal, &(er_table16_grid){1.0 / 65535, 2.0 / 65535, INT16_MIN, false},
                  reciprocal, NULL);
  return rule->scale.multiplier != 0;
}

static int32_t maximum(const int16_t *input, int32_t depth) {
  int32_t most = input[0];
  for (int32_t d = 1; d < depth; ++d) most = input[d] > most ? input[d] : most;
  return most;
}

/* exp of each value less the maximum, in units of 2^-15. @return their sum */
static int64_t exponentials(const er_softmax16 *rule, int32_t depth, const int16_t *input,
                            int16_t *output) {
  const int32_t most = maximum(input, depth);
  int64_t sum = 0;
  for (int32_t d = 0; d < depth; ++d) {
    const int64_t below = (int64_t)er_mulfix(input[d] - most, rule->scale) + INT16_MAX;
    output[d] = (int16_t)er_table16_at(&rule->exponential, er_clamp(below, INT16_MIN, INT16_MAX));
    sum += output[d];
  }
  return sum;
}

static int32_t bits_of(uint32_t value) {
  int32_t bits = 0;
  for (; value; value >>= 1) ++bits;
  return bits;
}

/* The sum, brought to [1, 2), gives the reciprocal's place in its table. */
static void softmax(const er_softmax16 *rule, int32_t depth, const int16_t *input,
                    int16_t *output) {
  const int64_t sum = exponentials(rule, depth, input, output);
  const int32_t bits = bits_of((uint32_t)sum), shift = bits - 1;
  const int64_t mantissa = ((sum << (31 - bits)) + (1 << 13)) >> 14;
  const int32_t place = er_clamp(mantissa - (1 << 15) - (1 << 16), INT16_MIN, INT16_MAX);
  const int32_t inverse = er_table16_at(&rule->reciprocal, place);
  const int64_t half = (int64_t)1 << (shift - 1);
  for (int32_t d = 0; d < depth; ++d) {
    output[d] = (int16_t)er_clamp(((int64_t)output[d] * inverse + half) >> shift, 0, INT16_MAX);
  }
}

void er_softmax_s16(const er_softmax16 *rule, int64_t rows, int32_t depth, const int16_t *input,
                    int16_t *output) {
  for (int64_t row = 0; row < rows; ++row) {
    softmax(rule, depth, input + row * depth, output + row * depth);
  }
}
