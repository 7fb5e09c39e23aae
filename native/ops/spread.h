/* Elementwise work on the session's threads. */
#ifndef ER_OPS_SPREAD_H
#define ER_OPS_SPREAD_H

#include "op.h"

/** Run work(arg, first, last) on parts that make up [0, count); on one thread where the work is too
 * small to share.
 * @param weight elements that one unit of `count` stands for */
void er_spread(const er_run *run, int64_t count, int64_t weight,
               void (*work)(void *arg, int64_t first, int64_t last), void *arg);

/** @return how many steps of `step` cover `count`. */
static inline int32_t er_steps(int32_t count, int32_t step) {
  return (int32_t)(((int64_t)count + step - 1) / step);
}
/** @return the end of a part that ends with step number `last`, out of `count`. */
static inline int32_t er_steps_end(int32_t last, int32_t step, int32_t count) {
  const int64_t end = (int64_t)last * step;
  return end < count ? (int32_t)end : count;
}

#endif
