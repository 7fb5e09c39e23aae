#include "kernels/kernels.h"
#include "kernels/load.h"
#include "kernels/reduce_walk.h"

static inline void sum_run(edgert_type type, const void *input, int64_t i, int32_t count,
                           int64_t step, int64_t *sums) {
  if (step == 1) {
    for (int32_t c = 0; c < count; ++c) sums[c] += er_load(type, input, i + c);
    return;
  }
  int64_t sum = 0;
  for (int32_t c = 0; c < count; ++c) sum += er_load(type, input, i + c);
  *sums += sum;
}

void er_sum(const er_reduce_shape *shape, edgert_type type, const void *input, int64_t *sums) {
  const int32_t last = shape->dims[shape->rank - 1];
  const int64_t step = shape->reduced[shape->rank - 1] ? 0 : 1;
  er_reduce_walk walk = er_reduce_start(shape, 1);
  for (int64_t o = 0; o < shape->out_count; ++o) sums[o] = 0;
  for (int64_t i = 0; i < shape->in_count; i += last, er_reduce_next(shape, &walk)) {
    if (type == EDGERT_INT8) {
      sum_run(EDGERT_INT8, input, i, last, step, sums + walk.out);
    } else {
      sum_run(type, input, i, last, step, sums + walk.out);
    }
  }
}

void er_extreme(const er_reduce_shape *shape, edgert_type type, bool largest, const void *input,
                void *output) {
  const int32_t last = shape->dims[shape->rank - 1];
  const int64_t step = shape->reduced[shape->rank - 1] ? 0 : 1;
  er_reduce_walk walk = er_reduce_start(shape, 1);
  const er_wide_range worst = {type == EDGERT_INT64   ? INT64_MIN
                               : type == EDGERT_INT32 ? INT32_MIN
                               : type == EDGERT_INT16 ? INT16_MIN
                               : type == EDGERT_INT8  ? INT8_MIN
                                                      : 0,
                               type == EDGERT_INT64   ? INT64_MAX
                               : type == EDGERT_INT32 ? INT32_MAX
                               : type == EDGERT_INT16 ? INT16_MAX
                               : type == EDGERT_INT8  ? INT8_MAX
                                                      : UINT8_MAX};
  for (int64_t o = 0; o < shape->out_count; ++o) {
    er_store(type, output, o, largest ? worst.low : worst.high);
  }
  for (int64_t i = 0; i < shape->in_count; i += last, er_reduce_next(shape, &walk)) {
    for (int32_t c = 0; c < last; ++c) {
      const int64_t value = er_load(type, input, i + c);
      const int64_t kept = er_load(type, output, walk.out + c * step);
      if (largest ? value > kept : value < kept) {
        er_store(type, output, walk.out + c * step, value);
      }
    }
  }
}
