/* What a packer finds out about a unit (or channel) before it packs it: its sums, and the ways in
 * which they may be settled. */
#ifndef ER_NEON_UNITS_H
#define ER_NEON_UNITS_H

#include "kernels/neon/settle.h"
#include "kernels/one_fma.h"

typedef struct er_unit {
  const int8_t *values; /* `step` apart; NULL: all 0 */
  int32_t bias;         /* less the input zero point's part */
  float scale;
  int32_t low, high; /* all sums lie between */
  er_one_fma fma;    /* where it is settled by FMLA */
} er_unit;

/* @param first of `count` units
 * @param unit_step values from unit to unit  @param step values of a unit
 * @param ways the last of which always holds; ER_PLAIN stands alone, and reads but the bias
 * @param[out] units [count]
 * @return the first of `ways` that holds for all of them */
enum er_settling er_units_of(const er_weights_s8 *weights, int32_t first, int32_t count,
                             int64_t unit_step, int64_t step, const enum er_settling *ways,
                             er_unit *units);

/* What er_scale_neon reads of a unit. */
typedef struct er_unit_constants {
  int32_t start; /* of the sums */
  float scale, offset;
} er_unit_constants;
er_unit_constants er_constants_of(const er_unit *unit, enum er_settling how);

#endif
