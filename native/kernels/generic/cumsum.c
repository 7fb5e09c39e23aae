#include "scan.h"

/* `sum` is an unsigned type for integers: it wraps around. */
#define CUMSUM(type, wrap)                                                            \
  static void cumsum_##type(const er_axis_shape *shape, bool exclusive, bool reverse, \
                            const void *input, void *output) {                        \
    const int64_t inner = shape->inner, length = shape->length;                       \
    for (int64_t o = 0; o < shape->outer; ++o) {                                      \
      for (int64_t j = 0; j < inner; ++j) {                                           \
        const int64_t start = o * length * inner + j;                                 \
        wrap sum = 0;                                                                 \
        for (int64_t i = 0; i < length; ++i) {                                        \
          const int64_t at = start + (reverse ? length - 1 - i : i) * inner;          \
          const wrap before = sum;                                                    \
          sum += (wrap)((const type *)input)[at];                                     \
          ((type *)output)[at] = (type)(exclusive ? before : sum);                    \
        }                                                                             \
      }                                                                               \
    }                                                                                 \
  }

CUMSUM(float, float)
CUMSUM(int32_t, uint32_t)
CUMSUM(int64_t, uint64_t)

er_cumsum er_cumsum_for(edgert_type type) {
  switch (type) {
    case EDGERT_FLOAT32:
      return cumsum_float;
    case EDGERT_INT32:
      return cumsum_int32_t;
    case EDGERT_INT64:
      return cumsum_int64_t;
    default:
      return NULL;
  }
}
