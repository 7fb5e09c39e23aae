/* MEAN, SUM, REDUCE_MAX, REDUCE_MIN and REDUCE_PROD in float32: one pass over the
 * input. */
#include <math.h>

#include "kernels/float.h"
#include "kernels/reduce_walk.h"

static float start(er_reduce op) {
  switch (op) {
    case ER_REDUCE_MAX:
      return -INFINITY;
    case ER_REDUCE_MIN:
      return INFINITY;
    case ER_REDUCE_PROD:
      return 1.0f;
    default:
      return 0.0f;
  }
}

static inline float take(er_reduce op, float total, float x) {
  switch (op) {
    case ER_REDUCE_MAX:
      return x > total ? x : total;
    case ER_REDUCE_MIN:
      return x < total ? x : total;
    case ER_REDUCE_PROD:
      return total * x;
    default:
      return total + x;
  }
}

enum { LANES = 8 };

/* A run along the last dimension that goes into one number; sums in lanes, which is as exact as it
 * is fast. */
static float take_run(er_reduce op, float total, const float *input, int32_t count) {
  int32_t i = 0;
  if (op == ER_MEAN || op == ER_SUM) {
    float lanes[LANES] = {0};
    for (; i + LANES <= count; i += LANES) {
      for (int32_t j = 0; j < LANES; j++) lanes[j] += input[i + j];
    }
    for (int32_t j = 0; j < LANES; j++) total += lanes[j];
  }
  for (; i < count; i++) total = take(op, total, input[i]);
  return total;
}

/* With a constant operation a vector loop. */
static inline void combine(er_reduce op, float *restrict output, const float *restrict input,
                           int32_t count) {
  for (int32_t i = 0; i < count; i++) output[i] = take(op, output[i], input[i]);
}

/* A run that goes into as many numbers. */
static void take_each(er_reduce op, float *output, const float *input, int32_t count) {
  switch (op) {
    case ER_REDUCE_MAX:
      combine(ER_REDUCE_MAX, output, input, count);
      break;
    case ER_REDUCE_MIN:
      combine(ER_REDUCE_MIN, output, input, count);
      break;
    case ER_REDUCE_PROD:
      combine(ER_REDUCE_PROD, output, input, count);
      break;
    default:
      combine(ER_SUM, output, input, count);
  }
}

void er_reduce_f32(er_reduce op, const er_reduce_shape *s, const float *input, float *output) {
  er_reduce_walk walk = er_reduce_start(s, 1);
  const int32_t last = s->rank - 1, run = s->dims[last];
  for (int64_t i = 0; i < s->out_count; i++) output[i] = start(op);
  for (int64_t i = 0; i < s->in_count; i += run, er_reduce_next(s, &walk)) {
    float *to = output + walk.out;
    if (s->reduced[last]) {
      *to = take_run(op, *to, input + i, run);
    } else {
      take_each(op, to, input + i, run);
    }
  }
  if (op != ER_MEAN) return;
  for (int64_t i = 0; i < s->out_count; i++) output[i] /= (float)s->group;
}
