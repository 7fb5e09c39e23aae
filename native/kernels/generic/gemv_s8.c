/* One row times weights as they lie in the file. */
#include "kernels/generic/generic.h"
#include "kernels/rounding.h"

void er_gemv_s8_generic(const er_gemv_s8_call *c) {
  for (int32_t u = 0; u < c->units; u++) {
    const int8_t *values = (const int8_t *)c->values + (int64_t)u * c->depth;
    int32_t sum = 0;
    for (int32_t d = 0; d < c->depth; d++) sum += c->input[d] * values[d];
    const int32_t acc = (int32_t)((uint32_t)sum + (uint32_t)c->bias[u]);
    c->output[u] = (int8_t)er_settle((float)acc * c->scale[u], c->range.zero_point, c->range.low,
                                     c->range.high);
  }
}
