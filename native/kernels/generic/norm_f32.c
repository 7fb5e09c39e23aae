/* L2_NORMALIZATION over the last dimension, in float32. */
#include <math.h>

#include "kernels/float.h"

void er_l2_normalization_f32(int64_t rows, int32_t depth, const float *input, float *output) {
  for (int64_t r = 0; r < rows; r++, input += depth, output += depth) {
    float sum = 0.0f;
    for (int32_t i = 0; i < depth; i++) sum += input[i] * input[i];
    const float norm = sqrtf(sum > 1e-12f ? sum : 1e-12f);
    for (int32_t i = 0; i < depth; i++) output[i] = input[i] / norm;
  }
}
