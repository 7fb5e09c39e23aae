/* FULLY_CONNECTED in float32: dot products in 8 partial sums, which is as exact as it is fast. */
#include "kernels/float.h"

enum { LANES = 8 };

static float dot(const float *a, const float *b, int32_t count) {
  float lanes[LANES] = {0};
  int32_t i = 0;
  for (; i + LANES <= count; i += LANES) {
    for (int32_t j = 0; j < LANES; j++) lanes[j] += a[i + j] * b[i + j];
  }
  float sum = ((lanes[0] + lanes[4]) + (lanes[1] + lanes[5])) +
              ((lanes[2] + lanes[6]) + (lanes[3] + lanes[7]));
  for (; i < count; i++) sum += a[i] * b[i];
  return sum;
}

void er_fc_f32(const er_fc_shape *s, const float *input, const float *weights, const float *bias,
               float low, float high, float *output, int32_t first, int32_t last) {
  for (int32_t u = first; u < last; u++) {
    const float *row = weights + (int64_t)u * s->depth;
    for (int32_t r = 0; r < s->rows; r++) {
      const float sum = dot(input + (int64_t)r * s->depth, row, s->depth) + (bias ? bias[u] : 0.0f);
      const float bounded = sum < low ? low : sum;
      output[(int64_t)r * s->units + u] = bounded > high ? high : bounded;
    }
  }
}
