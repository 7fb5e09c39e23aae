#include <math.h>

#include "kernels/kernels.h"
#include "kernels/load.h"

static int32_t row_maximum(bool is_unsigned, const void *input, int64_t at, int32_t depth) {
  int32_t most = er_load8(is_unsigned, input, at);
  for (int32_t d = 1; d < depth; ++d) {
    const int32_t value = er_load8(is_unsigned, input, at + d);
    most = value > most ? value : most;
  }
  return most;
}

/* In float32 and in order: the sum's bits are part of the result. */
static float row_sum(bool is_unsigned, const float *exponentials, const void *input, int64_t at,
                     int32_t depth, int32_t most) {
  float sum = 0.0f;
  for (int32_t d = 0; d < depth; ++d) {
    sum += exponentials[most - er_load8(is_unsigned, input, at + d)];
  }
  return sum;
}

void er_softmax_s8(int64_t rows, int32_t depth, const float *exponentials, float output_scale,
                   int32_t zero_point, bool is_unsigned, const void *input, uint8_t *output) {
  const int32_t low = is_unsigned ? 0 : INT8_MIN, high = is_unsigned ? UINT8_MAX : INT8_MAX;
  for (int64_t at = 0; at < rows * depth; at += depth) {
    const int32_t most = row_maximum(is_unsigned, input, at, depth);
    const float sum = row_sum(is_unsigned, exponentials, input, at, depth, most);
    const float inverse = 1.0f / (sum * output_scale);
    for (int32_t d = 0; d < depth; ++d) {
      const float value = exponentials[most - er_load8(is_unsigned, input, at + d)] * inverse;
      const double q = floor((double)value + 0.5) + zero_point;
      output[at + d] = (uint8_t)(int32_t)(q < low ? low : q > high ? high : q);
    }
  }
}

void er_log_softmax_s8(int64_t rows, int32_t depth, const float *exponentials, float input_scale,
                       float output_scale, int32_t zero_point, bool is_unsigned, const void *input,
                       uint8_t *output) {
  const int32_t low = is_unsigned ? 0 : INT8_MIN, high = is_unsigned ? UINT8_MAX : INT8_MAX;
  const float ratio = input_scale / output_scale;
  for (int64_t at = 0; at < rows * depth; at += depth) {
    const int32_t most = row_maximum(is_unsigned, input, at, depth);
    const float sum = row_sum(is_unsigned, exponentials, input, at, depth, most);
    const float peak = input_scale * (float)most;
    const float start = (peak + (float)log((double)sum)) / output_scale;
    for (int32_t d = 0; d < depth; ++d) {
      const float scaled = ratio * (float)er_load8(is_unsigned, input, at + d);
      output[at + d] = (uint8_t)er_settle(scaled - start, zero_point, low, high);
    }
  }
}
