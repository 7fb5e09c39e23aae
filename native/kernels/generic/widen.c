#include "kernels/kernels.h"

void er_widen(edgert_type type, const void *input, int64_t at, int64_t count, int32_t zero_point,
              int16_t *output) {
  const int16_t zero = (int16_t)zero_point;
  if (type == EDGERT_INT8) {
    const int8_t *in = (const int8_t *)input + at;
    for (int64_t i = 0; i < count; ++i) output[i] = (int16_t)(in[i] - zero);
  } else if (type == EDGERT_UINT8) {
    const uint8_t *in = (const uint8_t *)input + at;
    for (int64_t i = 0; i < count; ++i) output[i] = (int16_t)(in[i] - zero);
  } else {
    const int16_t *in = (const int16_t *)input + at;
    for (int64_t i = 0; i < count; ++i) output[i] = in[i]; /* int16 has no zero point */
  }
}
