#include "conv_cut.h"

#include <string.h>

static size_t padded_units(const er_conv_gemm *conv) {
  return (size_t)er_round_up(conv->shape.out_c, conv->s8->unit_step);
}

/* @param[in,out] sums [units], what one more line of each filter adds; may wrap */
static void add_line(const er_conv_gemm *conv, const int8_t *values, int32_t line, int32_t *sums) {
  const int64_t filter = (int64_t)conv->shape.filter_h * conv->piece;
  values += (int64_t)line * conv->piece;
  for (int32_t u = 0; u < conv->shape.out_c; u++, values += filter) {
    int32_t sum = 0;
    for (int32_t d = 0; d < conv->piece; d++) sum += values[d];
    sums[u] = (int32_t)((uint32_t)sums[u] + (uint32_t)sum * (uint32_t)conv->zero_point);
  }
}

/* [2][filter_h - 1][units]: of the first 1, 2 ... lines and of the last ones. */
const int32_t *er_conv_cut_sums(er_plan *plan, const er_conv_gemm *conv, const int8_t *values) {
  const int32_t most = conv->shape.filter_h - 1;
  const size_t units = padded_units(conv);
  int32_t *sums = er_plan_alloc(plan, 2 * (size_t)most * units * sizeof *sums);
  if (!sums) return NULL;
  int32_t *above = sums, *below = sums + (size_t)most * units;
  for (int32_t line = 0; line < most; line++, above += units, below += units) {
    if (line > 0) memcpy(above, above - units, units * sizeof *sums);
    if (line > 0) memcpy(below, below - units, units * sizeof *sums);
    add_line(conv, values, line, above);
    add_line(conv, values, most - line, below);
  }
  return sums;
}

er_conv_cut er_conv_cut_of(const er_conv_gemm *conv, int32_t line) {
  const er_conv_shape *s = &conv->shape;
  const int32_t most = s->filter_h - 1, above = s->pad_top - line * s->stride_h;
  const int32_t below = s->filter_h - above - s->in_h;
  er_conv_cut cut = {.lines = 1};
  if (above > 0) {
    cut.before = above < most ? above : most;
    cut.instead = conv->cut_sums + (size_t)(cut.before - 1) * padded_units(conv);
  } else if (below > 0) {
    cut.behind = below < most ? below : most;
    cut.instead = conv->cut_sums + (size_t)(most + cut.behind - 1) * padded_units(conv);
  } else {
    cut.lines += -below / s->stride_h; /* until the filter reaches the end of the image */
  }
  return cut;
}
