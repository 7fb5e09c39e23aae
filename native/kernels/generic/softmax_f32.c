/* SOFTMAX and LOG_SOFTMAX in float32. */
#include "kernels/float.h"
#include "kernels/functions_f32.h"

/* Rows are computed in blocks of a fixed size, so that loops are vector loops without a tail; sums
 * are kept in lanes, the same number on every instruction set. */
enum { BLOCK = 64, LANES = 8 };

/* The next values of a row; what lies behind its end is -INFINITY. @return values copied */
static int32_t load(const float *row, int32_t left, float values[BLOCK]) {
  const int32_t count = left < BLOCK ? left : BLOCK;
  memcpy(values, row, (size_t)count * sizeof *values);
  for (int32_t i = count; i < BLOCK; i++) values[i] = -INFINITY;
  return count;
}

static float largest(const float *row, int32_t depth) {
  float values[BLOCK], most[LANES];
  for (int32_t j = 0; j < LANES; j++) most[j] = row[0];
  for (int32_t d = 0; d < depth; d += BLOCK) {
    load(row + d, depth - d, values);
    for (int32_t i = 0; i < BLOCK; i += LANES) {
      for (int32_t j = 0; j < LANES; j++)
        most[j] = values[i + j] > most[j] ? values[i + j] : most[j];
    }
  }
  for (int32_t j = 1; j < LANES; j++) most[0] = most[j] > most[0] ? most[j] : most[0];
  return most[0];
}

/* @return the sum of the exponentials, which are left in `output` unless it is NULL */
static float exponentials(const float *row, int32_t depth, float most, float beta, float *output) {
  float values[BLOCK], sums[LANES] = {0}, sum = 0.0f;
  for (int32_t d = 0; d < depth; d += BLOCK) {
    const int32_t count = load(row + d, depth - d, values);
    for (int32_t i = 0; i < BLOCK; i++) values[i] = er_softmax_term((values[i] - most) * beta);
    for (int32_t i = 0; i < BLOCK; i += LANES) {
      for (int32_t j = 0; j < LANES; j++) sums[j] += values[i + j];
    }
    if (output) memcpy(output + d, values, (size_t)count * sizeof *values);
  }
  for (int32_t j = 0; j < LANES; j++) sum += sums[j];
  return sum;
}

void er_softmax_f32(bool logarithm, int64_t rows, int32_t depth, float beta, const float *input,
                    float *output) {
  for (int64_t r = 0; r < rows; r++, input += depth, output += depth) {
    const float most = largest(input, depth);
    const float sum = exponentials(input, depth, most, beta, logarithm ? NULL : output);
    if (logarithm) {
      const float offset = most + er_log(sum);
      for (int32_t i = 0; i < depth; i++) output[i] = input[i] - offset;
    } else {
      const float share = 1.0f / sum;
      for (int32_t i = 0; i < depth; i++) output[i] = output[i] * share;
    }
  }
}
