/* MEAN, SUM, REDUCE_MAX, REDUCE_MIN and REDUCE_PROD in float32: one pass over the
 * input. */
#include <math.h>

#include "kernels/float.h"

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

/* How far one step along each dimension moves in the output: 0 along reduced ones. */
static void output_strides(const er_reduce_shape *s, int64_t *strides) {
  int64_t stride = 1;
  for (int32_t d = s->rank - 1; d >= 0; d--) {
    strides[d] = s->reduced[d] ? 0 : stride;
    if (!s->reduced[d]) stride *= s->dims[d];
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
  int64_t strides[EDGERT_MAX_RANK], at = 0;
  int32_t index[EDGERT_MAX_RANK] = {0};
  const int32_t last = s->rank - 1, run = s->dims[last];
  output_strides(s, strides);
  for (int64_t i = 0; i < s->out_count; i++) output[i] = start(op);
  for (int64_t i = 0; i < s->in_count; i += run) {
    if (s->reduced[last]) {
      output[at] = take_run(op, output[at], input + i, run);
    } else {
      take_each(op, output + at, input + i, run);
    }
    for (int32_t d = last - 1; d >= 0; d--) {
      at += strides[d];
      if (++index[d] < s->dims[d]) break;
      at -= strides[d] * s->dims[d];
      index[d] = 0;
    }
  }
  if (op != ER_MEAN) return;
  for (int64_t i = 0; i < s->out_count; i++) output[i] /= (float)s->group;
}
