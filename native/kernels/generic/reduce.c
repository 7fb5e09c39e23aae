#include "kernels/kernels.h"
#include "kernels/load.h"

/* Steps through the input in order and knows which output each element goes into. */
typedef struct er_walk {
  int32_t at[EDGERT_MAX_RANK];
  int64_t step[EDGERT_MAX_RANK]; /* of the output; 0 along reduced dimensions */
  int64_t out;
} er_walk;

static er_walk start(const er_reduce_shape *shape) {
  er_walk walk = {0};
  int64_t step = 1;
  for (int32_t d = shape->rank - 1; d >= 0; --d) {
    walk.step[d] = shape->reduced[d] ? 0 : step;
    if (!shape->reduced[d]) step *= shape->dims[d];
  }
  return walk;
}

/* To the next run of the last dimension. */
static void advance(const er_reduce_shape *shape, er_walk *walk) {
  for (int32_t d = shape->rank - 2; d >= 0; --d) {
    walk->out += walk->step[d];
    if (++walk->at[d] < shape->dims[d]) return;
    walk->out -= walk->step[d] * shape->dims[d];
    walk->at[d] = 0;
  }
}

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
  er_walk walk = start(shape);
  for (int64_t o = 0; o < shape->out_count; ++o) sums[o] = 0;
  for (int64_t i = 0; i < shape->in_count; i += last, advance(shape, &walk)) {
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
  er_walk walk = start(shape);
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
  for (int64_t i = 0; i < shape->in_count; i += last, advance(shape, &walk)) {
    for (int32_t c = 0; c < last; ++c) {
      const int64_t value = er_load(type, input, i + c);
      const int64_t kept = er_load(type, output, walk.out + c * step);
      if (largest ? value > kept : value < kept) {
        er_store(type, output, walk.out + c * step, value);
      }
    }
  }
}
