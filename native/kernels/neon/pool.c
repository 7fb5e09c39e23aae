/* Pools of int8, 16 channels at a time. Windows of more pixels than int16 can sum stay generic, and
 * so do other types and fewer channels. */
#include "kernels/neon/intrinsics.h"
#include "kernels/neon/layer.h"
#include "kernels/neon/unroll.h"

enum { CHANNELS = 16, MOST_PIXELS = 255 };

/* The part of a window that lies inside of the image. */
typedef struct er_part {
  const int8_t *first; /* pixel */
  int32_t rows, columns;
} er_part;

static int32_t most(int32_t a, int32_t b) { return a > b ? a : b; }
static int32_t least(int32_t a, int32_t b) { return a < b ? a : b; }

static er_part part_of(const er_conv_shape *s, const int8_t *input, int32_t row, int32_t x) {
  const int32_t top = row % s->out_h * s->stride_h - s->pad_top;
  const int32_t left = x * s->stride_w - s->pad_left;
  const int32_t y = most(top, 0), from = most(left, 0);
  const int64_t line = (int64_t)(row / s->out_h) * s->in_h + y;
  return (er_part){input + (line * s->in_w + from) * s->in_c, least(top + s->filter_h, s->in_h) - y,
                   least(left + s->filter_w, s->in_w) - from};
}

static int8x16_t largest(const er_conv_shape *s, er_part part, int32_t channel) {
  int8x16_t value = vdupq_n_s8(INT8_MIN);
  for (int32_t y = 0; y < part.rows; y++) {
    const int8_t *from = part.first + (int64_t)y * s->in_w * s->in_c + channel;
    for (int32_t x = 0; x < part.columns; x++, from += s->in_c) {
      value = vmaxq_s8(value, vld1q_s8(from));
    }
  }
  return value;
}

/* Ties away from zero. */
static int8x16_t mean(const er_conv_shape *s, er_part part, int32_t channel) {
  int16x8_t low = vdupq_n_s16(0), high = low;
  for (int32_t y = 0; y < part.rows; y++) {
    const int8_t *from = part.first + (int64_t)y * s->in_w * s->in_c + channel;
    for (int32_t x = 0; x < part.columns; x++, from += s->in_c) {
      const int8x16_t in = vld1q_s8(from);
      low = vaddw_s8(low, vget_low_s8(in));
      high = vaddw_s8(high, vget_high_s8(in));
    }
  }
  int16_t sums[CHANNELS];
  vst1q_s16(sums, low);
  vst1q_s16(sums + 8, high);
  const int32_t count = part.rows * part.columns;
  int8_t means[CHANNELS];
  for (int32_t c = 0; c < CHANNELS; c++) {
    means[c] = (int8_t)((sums[c] > 0 ? sums[c] + count / 2 : sums[c] - count / 2) / count);
  }
  return vld1q_s8(means);
}

ER_INLINE void pool(int8x16_t (*of)(const er_conv_shape *, er_part, int32_t),
                    const er_conv_shape *s, int32_t low, int32_t high, const int8_t *input,
                    int8_t *output, int32_t first, int32_t last) {
  const int8x16_t lowest = vdupq_n_s8((int8_t)low), highest = vdupq_n_s8((int8_t)high);
  int8_t *to = output + (int64_t)first * s->out_w * s->in_c;
  for (int32_t row = first; row < last; row++) {
    for (int32_t x = 0; x < s->out_w; x++, to += s->in_c) {
      const er_part part = part_of(s, input, row, x);
      for (int32_t c = 0; c < s->in_c; c += CHANNELS) { /* the last block may overlap */
        const int32_t at = c + CHANNELS <= s->in_c ? c : s->in_c - CHANNELS;
        vst1q_s8(to + at, vminq_s8(vmaxq_s8(of(s, part, at), lowest), highest));
      }
    }
  }
}

void er_average_pool_neon(const er_conv_shape *shape, edgert_type type, int32_t low, int32_t high,
                          const void *input, void *output, int32_t first, int32_t last) {
  if (type == EDGERT_INT8 && shape->in_c >= CHANNELS &&
      (int64_t)shape->filter_h * shape->filter_w <= MOST_PIXELS) {
    pool(mean, shape, low, high, input, output, first, last);
  } else {
    er_average_pool(shape, type, low, high, input, output, first, last);
  }
}

void er_max_pool_neon(const er_conv_shape *shape, edgert_type type, int32_t low, int32_t high,
                      const void *input, void *output, int32_t first, int32_t last) {
  if (type == EDGERT_INT8 && shape->in_c >= CHANNELS) {
    pool(largest, shape, low, high, input, output, first, last);
  } else {
    er_max_pool(shape, type, low, high, input, output, first, last);
  }
}
