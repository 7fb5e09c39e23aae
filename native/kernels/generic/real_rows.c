#include <math.h>

#include "kernels/kernels.h"
#include "kernels/load.h"

static void put(const er_real_rows *p, void *output, int64_t i, double real) {
  const double q = rint(real / p->out_scale) + p->out_zero;
  er_store(p->type, output, i, q < p->low ? p->low : q > p->high ? p->high : (int64_t)q);
}

static int64_t maximum(const er_real_rows *p, const void *input, int64_t at, int32_t depth) {
  int64_t most = er_load(p->type, input, at);
  for (int32_t d = 1; d < depth; ++d) {
    const int64_t value = er_load(p->type, input, at + d);
    most = value > most ? value : most;
  }
  return most;
}

/* The distance below the row's maximum, in real numbers. */
static double below(const er_real_rows *p, const void *input, int64_t i, int64_t most) {
  return (double)(er_load(p->type, input, i) - most) * p->in_scale;
}

static double sum_of_exponentials(const er_real_rows *p, const void *input, int64_t at,
                                  int32_t depth, int64_t most) {
  double sum = 0;
  for (int32_t d = 0; d < depth; ++d) sum += exp(below(p, input, at + d, most));
  return sum;
}

void er_log_softmax_s16(const er_real_rows *rule, int64_t rows, int32_t depth, const void *input,
                        void *output) {
  for (int64_t at = 0; at < rows * depth; at += depth) {
    const int64_t most = maximum(rule, input, at, depth);
    const double log_sum = log(sum_of_exponentials(rule, input, at, depth, most));
    for (int32_t d = 0; d < depth; ++d) {
      put(rule, output, at + d, below(rule, input, at + d, most) - log_sum);
    }
  }
}

void er_l2_normalization_integer(const er_real_rows *rule, int64_t rows, int32_t depth,
                                 const void *input, void *output) {
  for (int64_t at = 0; at < rows * depth; at += depth) {
    int64_t squares = 0;
    for (int32_t d = 0; d < depth; ++d) {
      const int64_t value = er_load(rule->type, input, at + d) - rule->in_zero;
      squares += value * value;
    }
    const double norm = squares == 0 ? 1.0 : sqrt((double)squares);
    for (int32_t d = 0; d < depth; ++d) {
      const int64_t value = er_load(rule->type, input, at + d) - rule->in_zero;
      put(rule, output, at + d, (double)value / norm);
    }
  }
}
