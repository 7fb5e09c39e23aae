#include "kernels/kernels.h"

void er_lookup(const uint8_t *table, int64_t count, const uint8_t *input, uint8_t *output) {
  for (int64_t i = 0; i < count; ++i) output[i] = table[input[i]];
}
