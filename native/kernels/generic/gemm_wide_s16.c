#include "kernels/generic/generic.h"
#include "kernels/rounding.h"

static int64_t dot(int32_t depth, const int16_t *restrict row, const int16_t *restrict weights) {
  int64_t sum = 0;
  for (int32_t d = 0; d < depth; ++d) sum += row[d] * weights[d];
  return sum;
}

void er_gemm_wide_s16(int32_t count, int32_t depth, const int16_t *rows, const int16_t *weights,
                      const er_requant_wide *requant, int16_t *output, int64_t stride,
                      int32_t first, int32_t last) {
  for (int32_t u = first; u < last; ++u) {
    const er_fixed scale = {requant->multiplier[u], requant->exponent[u]};
    for (int32_t r = 0; r < count; ++r) {
      const int64_t sum = dot(depth, rows + (int64_t)r * depth, weights + (int64_t)u * depth);
      output[r * stride + u - first] = (int16_t)er_clamp(
          er_mulfix_wide(sum + requant->bias[u], scale), requant->low, requant->high);
    }
  }
}
