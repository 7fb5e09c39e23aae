/* The walk of a reduction over its input, in blocks of the innermost dimensions. */
#ifndef ER_REDUCE_WALK_H
#define ER_REDUCE_WALK_H

#include "shapes.h"

typedef struct er_reduce_walk {
  int32_t outer; /* dimensions that are walked over */
  int32_t at[EDGERT_MAX_RANK];
  int64_t step[EDGERT_MAX_RANK]; /* of the output; 0 along reduced dimensions */
  int64_t out;                   /* where the block at hand goes */
} er_reduce_walk;

/* [rows, columns], of which all rows go into the same outputs; of one row where the last dimension
 * is reduced, or its neighbour is not (joined, the two would not fit int32). */
typedef struct er_reduce_block {
  int32_t inner; /* dimensions */
  int32_t rows, columns;
} er_reduce_block;

static inline er_reduce_block er_reduce_block_of(const er_reduce_shape *shape) {
  const int32_t last = shape->rank - 1;
  const bool folds = last > 0 && shape->reduced[last - 1] && !shape->reduced[last];
  return (er_reduce_block){folds ? 2 : 1, folds ? shape->dims[last - 1] : 1, shape->dims[last]};
}

/** @param inner dimensions of a block */
static inline er_reduce_walk er_reduce_start(const er_reduce_shape *shape, int32_t inner) {
  er_reduce_walk walk = {.outer = shape->rank - inner};
  int64_t step = 1;
  for (int32_t d = shape->rank - 1; d >= 0; --d) {
    walk.step[d] = shape->reduced[d] ? 0 : step;
    if (!shape->reduced[d]) step *= shape->dims[d];
  }
  return walk;
}

static inline void er_reduce_next(const er_reduce_shape *shape, er_reduce_walk *walk) {
  for (int32_t d = walk->outer - 1; d >= 0; --d) {
    walk->out += walk->step[d];
    if (++walk->at[d] < shape->dims[d]) return;
    walk->out -= walk->step[d] * shape->dims[d];
    walk->at[d] = 0;
  }
}

#endif
