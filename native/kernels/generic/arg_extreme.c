#include "scan.h"

#define ARG_EXTREME(type)                                                             \
  static void arg_##type(const er_axis_shape *shape, bool largest, const void *input, \
                         int32_t *output) {                                           \
    const int64_t inner = shape->inner;                                               \
    for (int64_t o = 0; o < shape->outer; ++o) {                                      \
      const type *in = (const type *)input + o * shape->length * inner;               \
      for (int64_t j = 0; j < inner; ++j) {                                           \
        type best = in[j];                                                            \
        int32_t at = 0;                                                               \
        for (int32_t i = 1; i < shape->length; ++i) {                                 \
          const type x = in[i * inner + j];                                           \
          const bool better = largest ? x > best : x < best;                          \
          best = better ? x : best;                                                   \
          at = better ? i : at;                                                       \
        }                                                                             \
        output[o * inner + j] = at;                                                   \
      }                                                                               \
    }                                                                                 \
  }

ARG_EXTREME(float)
ARG_EXTREME(int8_t)
ARG_EXTREME(uint8_t)
ARG_EXTREME(int16_t)
ARG_EXTREME(int32_t)
ARG_EXTREME(int64_t)

er_arg_extreme er_arg_extreme_for(edgert_type type) {
  switch (type) {
    case EDGERT_FLOAT32:
      return arg_float;
    case EDGERT_INT8:
      return arg_int8_t;
    case EDGERT_UINT8:
    case EDGERT_BOOL:
      return arg_uint8_t;
    case EDGERT_INT16:
      return arg_int16_t;
    case EDGERT_INT32:
      return arg_int32_t;
    case EDGERT_INT64:
      return arg_int64_t;
    default:
      return NULL;
  }
}
