/* Random shapes of reductions. */
#ifndef ER_RANDOM_REDUCTION_H
#define ER_RANDOM_REDUCTION_H

#include "kernels/shapes.h"
#include "random_numbers.h"

/* Kinds of dimensions alternate, but where the product of neighbours is beyond int32.
 * @param most elements */
static inline er_reduce_shape random_reduction(int64_t most) {
  er_reduce_shape s = {.rank = random_from(1, 4), .in_count = 1, .out_count = 1};
  const bool first = random_from(0, 1);
  for (int32_t d = 0; d < s.rank; d++) {
    s.reduced[d] = random_from(0, 9) ? (d % 2 == 0) == first : random_from(0, 1);
    s.dims[d] = random_from(0, 6) ? random_from(1, 12) : random_from(1, 600);
    if (s.in_count * s.dims[d] > most) s.dims[d] = 1;
    s.in_count *= s.dims[d];
    if (!s.reduced[d]) s.out_count *= s.dims[d];
  }
  s.group = s.in_count / s.out_count;
  return s;
}

#endif
