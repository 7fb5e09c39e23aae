#include "kernels/wide_units.h"

bool er_leaves_reach(int32_t count, int64_t step, const uint8_t *values, int32_t zero) {
  uint8_t least = values[0], most = values[0];
  if (step == 1) {
    for (int32_t i = 0; i < count; i++) {
      least = values[i] < least ? values[i] : least;
      most = values[i] > most ? values[i] : most;
    }
  } else {
    for (int32_t i = 0; i < count; i++) {
      least = values[i * step] < least ? values[i * step] : least;
      most = values[i * step] > most ? values[i * step] : most;
    }
  }
  return least - zero < -ER_WEIGHT_REACH || most - zero > ER_WEIGHT_REACH;
}

static int8_t settle(const er_wide_units *w, int32_t i, uint32_t sum) {
  const int32_t total = (int32_t)(sum + (uint32_t)w->bias[i]);
  return (int8_t)er_settle((float)total * w->scale[i], w->range.zero_point, w->range.low,
                           w->range.high);
}

/* Parts of the sum may wrap. */
static uint32_t dot(int32_t depth, const int8_t *restrict row, const int16_t *restrict weights) {
  uint32_t sum = 0;
  for (int32_t d = 0; d < depth; d++) sum += (uint32_t)(row[d] * weights[d]);
  return sum;
}

void er_wide_units_rows(const er_wide_units *wide, int32_t count, const int8_t *rows, int32_t first,
                        int32_t last, int8_t *output, int64_t stride) {
  for (int32_t i = 0; i < wide->count; i++) {
    if (wide->units[i] < first || wide->units[i] >= last) continue;
    const int16_t *weights = wide->weights + (int64_t)i * wide->depth;
    int8_t *to = output + wide->units[i];
    for (int32_t r = 0; r < count; r++, to += stride) {
      *to = settle(wide, i, dot(wide->depth, rows + (int64_t)r * wide->depth, weights));
    }
  }
}

/* The sum of one pixel and channel. @param at of the window's first pixel in each line */
static uint32_t taps(const er_conv_shape *s, const int8_t *const *lines, int64_t at,
                     const int16_t *weights) {
  uint32_t sum = 0;
  for (int32_t y = 0; y < s->filter_h; y++) {
    const int8_t *from = lines[y] + at;
    for (int32_t x = 0; x < s->filter_w; x++, from += (int64_t)s->dilation_w * s->out_c) {
      sum += (uint32_t)(*from * *weights++);
    }
  }
  return sum;
}

void er_wide_units_line(const er_wide_units *wide, const er_conv_shape *shape,
                        const int8_t *const *lines, int8_t *output) {
  const er_conv_shape *s = shape;
  for (int32_t i = 0; i < wide->count; i++) {
    const int16_t *weights = wide->weights + (int64_t)i * wide->depth;
    for (int32_t x = 0; x < s->out_w; x++) {
      const int64_t at = (int64_t)x * s->stride_w * s->out_c + wide->units[i];
      output[(int64_t)x * s->out_c + wide->units[i]] = settle(wide, i, taps(s, lines, at, weights));
    }
  }
}
