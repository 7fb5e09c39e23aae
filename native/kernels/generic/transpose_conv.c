#include "kernels/kernels.h"

static int64_t dot_s8(int32_t depth, const int16_t *restrict a, const int16_t *restrict b) {
  int32_t sum = 0;
  for (int32_t d = 0; d < depth; ++d) sum += a[d] * b[d];
  return sum;
}

static int64_t dot_s16(int32_t depth, const int16_t *restrict a, const int16_t *restrict b) {
  int64_t sum = 0;
  for (int32_t d = 0; d < depth; ++d) sum += a[d] * b[d];
  return sum;
}

/* Input line y meets filter line i: add to the sums of one output line. */
static void add_line(const er_conv_shape *s, bool wide, const int16_t *line, const int16_t *weights,
                     int64_t *sums) {
  for (int32_t x = 0; x < s->in_w; ++x, line += s->in_c) {
    for (int32_t j = 0; j < s->filter_w; ++j) {
      const int64_t at = (int64_t)x * s->stride_w - s->pad_left + j;
      if (at < 0 || at >= s->out_w) continue;
      const int16_t *tap = weights + (int64_t)j * s->in_c;
      const int64_t step = (int64_t)s->filter_h * s->filter_w * s->in_c;
      for (int32_t c = 0; c < s->out_c; ++c, tap += step) {
        sums[at * s->out_c + c] += wide ? dot_s16(s->in_c, line, tap) : dot_s8(s->in_c, line, tap);
      }
    }
  }
}

void er_transpose_conv_sums(const er_conv_shape *shape, edgert_type type, int32_t zero_point,
                            const void *input, const int16_t *weights, int32_t row, int16_t *line,
                            int64_t *sums) {
  const er_conv_shape *s = shape;
  const int64_t image = (int64_t)(row / s->out_h) * s->in_h;
  for (int64_t i = 0; i < (int64_t)s->out_w * s->out_c; ++i) sums[i] = 0;
  for (int32_t i = 0; i < s->filter_h; ++i) {
    const int64_t from = (int64_t)(row % s->out_h) + s->pad_top - i;
    if (from < 0 || from % s->stride_h != 0 || from / s->stride_h >= s->in_h) continue;
    const int64_t start = (image + from / s->stride_h) * s->in_w * s->in_c;
    er_widen(type, input, start, (int64_t)s->in_w * s->in_c, zero_point, line);
    add_line(s, type == EDGERT_INT16, line, weights + (int64_t)i * s->filter_w * s->in_c, sums);
  }
}
