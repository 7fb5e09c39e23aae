/* Functions of int16 values through tables of 16 bits, as LiteRT computes them. */
#ifndef ER_TABLE16_H
#define ER_TABLE16_H

#include <stdbool.h>
#include <stdint.h>

#include "rounding.h"

/* ---- any function: 512 steps with straight lines between
 * ----------------------------------------- */

enum { ER_TABLE16_STEPS = 512 };

typedef struct er_table16 {
  int16_t at[ER_TABLE16_STEPS + 1];
} er_table16;

/* real = scale * (stored - zero) on both sides. */
typedef struct er_table16_grid {
  double in_scale, out_scale;
  int32_t in_zero;
  bool single; /* every step is rounded to float32 */
} er_table16_grid;

/** Fill a table; half of the error in the middle of a step is taken from its start.
 * @param function called with `argument` and a real input; the output's zero point is 0 */
void er_table16_fill(er_table16 *table, const er_table16_grid *grid,
                     double (*function)(const void *argument, double value), const void *argument);

/** Slope and result wrap to 16 bits, as LiteRT's do. @param value of int16 */
static inline int32_t er_table16_at(const er_table16 *table, int32_t value) {
  const int16_t *step = &table->at[256 + (value >> 7)];
  const int16_t slope = (int16_t)(step[1] - step[0]);
  return (int16_t)(step[0] + ((slope * (value & 127) + 64) >> 7));
}

/* ---- LOGISTIC and TANH, results in units of 2^-15
 * ------------------------------------------------ */

/* The argument in units of 1 / 12288: (value * multiplier + half) >> shift. Where the input's scale
 * is a power of two that the fixed-point functions take, multiplier is 0 and value << shift has 12
 * bits behind the point. */
typedef struct er_sigmoid16 {
  int32_t multiplier;
  int32_t shift;
} er_sigmoid16;

/** @param most_shift largest shift for which the fixed-point function is taken: LOGISTIC 0, TANH 1
 */
er_sigmoid16 er_sigmoid16_for(float scale, int32_t most_shift);
int32_t er_logistic_s16(const er_sigmoid16 *argument, int32_t value);
int32_t er_tanh_s16(const er_sigmoid16 *argument, int32_t value);

/* ---- SOFTMAX, results in units of 2^-15
 * ---------------------------------------------------------- */

typedef struct er_softmax16 {
  er_fixed scale;         /* of differences, to units of 10 / 65535 */
  er_table16 exponential; /* of -10..0 */
  er_table16 reciprocal;  /* 1 / (1 + x) of 0..1 */
} er_softmax16;

/** @return false when scale * beta lies out of what fixed point can express */
bool er_softmax16_for(float scale, float beta, er_softmax16 *rule);
/** @param input,output [rows, depth], may be one array */
void er_softmax_s16(const er_softmax16 *rule, int64_t rows, int32_t depth, const int16_t *input,
                    int16_t *output);

#endif
