#include "kernels/table16.h"

#include <math.h>

/* float32 arithmetic is done in double and rounded after each operation, which gives the same bits:
 * 53 bits are more than twice 24. */
static double keep(const er_table16_grid *grid, double value) {
  return grid->single ? (double)(float)value : value;
}

/* Where the function has no value the table holds 0. */
static int16_t store(double value) {
  if (isnan(value)) return 0;
  return (int16_t)fmin(fmax(value, INT16_MIN), INT16_MAX);
}

void er_table16_fill(er_table16 *table, const er_table16_grid *grid,
                     double (*function)(const void *argument, double value), const void *argument) {
  const double in = keep(grid, grid->in_scale), out = keep(grid, grid->out_scale);
  const double start = keep(grid, in * (INT16_MIN - grid->in_zero));
  const double end = keep(grid, in * (INT16_MAX - grid->in_zero));
  const double step = keep(grid, keep(grid, end - start) / ER_TABLE16_STEPS);
  const double range = keep(grid, keep(grid, out * INT16_MAX) - keep(grid, out * INT16_MIN));
  const double inverse = keep(grid, 65536 / range);
#define SCALED(x) keep(grid, keep(grid, function(argument, x)) * inverse)
#define POSITION(i) keep(grid, start + keep(grid, (i) * step))
  for (int32_t i = 0; i < ER_TABLE16_STEPS; ++i) {
    const double low = POSITION(i), next = SCALED(POSITION(i + 1));
    const double sample = round(SCALED(low));
    const double straight = round(keep(grid, keep(grid, next + sample) / 2));
    const double middle = round(SCALED(keep(grid, low + step / 2)));
    const double bias = round(keep(grid, keep(grid, straight - middle) / 2));
    table->at[i] = store(sample - bias);
  }
  table->at[ER_TABLE16_STEPS] = store(round(SCALED(end)));
}
