#include "compare.h"

#define SELECT(type)                                                    \
  do {                                                                  \
    const type *x = a, *y = b;                                          \
    type *out = output;                                                 \
    for (int32_t i = 0; i < count; ++i) {                               \
      out[i] = choice[i * choice_step] ? x[i * a_step] : y[i * b_step]; \
    }                                                                   \
  } while (0)

void er_select(int32_t count, int64_t element_bytes, const uint8_t *choice, int64_t choice_step,
               const void *a, int64_t a_step, const void *b, int64_t b_step, void *output) {
  switch (element_bytes) {
    case 1:
      SELECT(uint8_t);
      break;
    case 2:
      SELECT(uint16_t);
      break;
    case 4:
      SELECT(uint32_t);
      break;
    default:
      SELECT(uint64_t);
      break;
  }
}
