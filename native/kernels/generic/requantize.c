#include "kernels/kernels.h"
#include "kernels/rounding.h"

void er_requantize(int32_t count, const int32_t *sums, const float *scale, int32_t zero_point,
                   int32_t low, int32_t high, uint8_t *output) {
  for (int32_t u = 0; u < count; ++u) {
    output[u] = (uint8_t)er_settle((float)sums[u] * scale[u], zero_point, low, high);
  }
}
