#include "conv_cut.h"

enum { MOST = 7 };             /* lines and columns of a filter */
enum { MOST_UNITS = 1 << 16 }; /* their sums then take 45 MB at most, which 32 bits can count */
enum { SPARE = 16 };           /* units, that kernels may read beyond the last one */

/* What is left out of a patch. */
typedef struct er_outside {
  int32_t above, below, left, right;
} er_outside;

static size_t padded_units(const er_conv_shape *s) { return (size_t)s->out_c + SPARE; }

/* From nothing at either end, over up to all but one of `size` at the first one, to the last. */
static int32_t kinds(int32_t size) { return 2 * size - 1; }
static int32_t first_of(int32_t size, int32_t kind) { return kind < size ? kind : 0; }
static int32_t last_of(int32_t size, int32_t kind) { return kind < size ? 0 : kind - size + 1; }
static int32_t kind_of(int32_t size, int32_t first, int32_t last) {
  return last > 0 ? size - 1 + last : first;
}

/* Where in `cut_sums` those of a kind are. */
static const int32_t *sums_of(const er_conv_gemm *conv, er_outside out) {
  const er_conv_shape *s = &conv->shape;
  const int32_t line = kind_of(s->filter_h, out.above, out.below);
  const int32_t column = kind_of(s->filter_w, out.left, out.right);
  return conv->cut_sums + (size_t)(line * kinds(s->filter_w) + column) * padded_units(s);
}

/* @param values [filter_h, filter_w, filter_c]  @param[out] sums [filter_h, filter_w] */
static void sum_channels(const er_conv_shape *s, const int8_t *values, int32_t *sums) {
  for (int32_t at = 0; at < s->filter_h * s->filter_w; at++) {
    sums[at] = 0;
    for (int32_t c = 0; c < s->filter_c; c++) sums[at] += *values++;
  }
}

/* @param sums [filter_h, filter_w]  @return of those outside */
static int32_t sum_outside(const er_conv_shape *s, const int32_t *sums, er_outside out) {
  int32_t sum = 0;
  for (int32_t y = 0; y < s->filter_h; y++) {
    for (int32_t x = 0; x < s->filter_w; x++, sums++) {
      const bool line = y < out.above || y >= s->filter_h - out.below;
      if (line || x < out.left || x >= s->filter_w - out.right) sum += *sums;
    }
  }
  return sum;
}

/* @param[out] to [kinds of lines, kinds of columns, units]; may wrap */
static void fill_sums(const er_conv_gemm *conv, const int8_t *values, int32_t *to) {
  const er_conv_shape *s = &conv->shape;
  const int32_t columns = kinds(s->filter_w), all = kinds(s->filter_h) * columns;
  const size_t units = padded_units(s);
  for (int32_t u = 0; u < s->out_c; u++, values += conv->depth) {
    int32_t sums[MOST * MOST];
    sum_channels(s, values, sums);
    for (int32_t kind = 0; kind < all; kind++) {
      const int32_t line = kind / columns, column = kind % columns;
      const er_outside out = {first_of(s->filter_h, line), last_of(s->filter_h, line),
                              first_of(s->filter_w, column), last_of(s->filter_w, column)};
      const uint32_t sum = (uint32_t)sum_outside(s, sums, out);
      to[(size_t)kind * units + (size_t)u] = (int32_t)(sum * (uint32_t)conv->zero_point);
    }
  }
}

edgert_status er_conv_cut_plan(er_plan *plan, const int8_t *values, er_conv_gemm *conv) {
  const er_conv_shape *s = &conv->shape;
  if (!conv->s8->cuts || s->groups > 1 || s->filter_h == 1) return EDGERT_OK;
  if (s->filter_h > MOST || s->filter_w > MOST || s->out_c > MOST_UNITS) return EDGERT_OK;
  const size_t all = (size_t)(kinds(s->filter_h) * kinds(s->filter_w));
  int32_t *sums = er_plan_alloc(plan, all * padded_units(s) * sizeof *sums);
  if (!sums) return er_plan_no_memory(plan);
  fill_sums(conv, values, sums);
  conv->cut_sums = sums;
  return EDGERT_OK;
}

/* Positive: so many lines or columns of the last patch lie beyond the image. */
static int64_t beyond(int32_t out, int32_t stride, int32_t filter, int32_t before, int32_t in) {
  return (int64_t)(out - 1) * stride + filter - before - in;
}

static int64_t right_of(const er_conv_shape *s) {
  const int64_t right = beyond(s->out_w, s->stride_w, s->filter_w, s->pad_left, s->in_w);
  return right > 0 ? right : 0;
}

/* Whether it can be left out of one patch of a line, and is not of its neighbour. */
static bool is_edge(const er_conv_gemm *conv, int64_t columns) {
  const er_conv_shape *s = &conv->shape;
  return columns >= 0 && columns <= s->stride_w && columns < s->filter_w &&
         columns * s->filter_c % conv->s8->segment_step == 0;
}

/* At each end of a line one is computed apart, and between them no row should go alone. */
static bool has_whole_steps(int32_t width, int32_t step) {
  return width >= 2 * step && width % step == 0;
}

bool er_conv_is_bare(const er_conv_gemm *conv) {
  const er_conv_shape *s = &conv->shape;
  if (!conv->cut_sums || !has_whole_steps(s->out_w, conv->s8->line_step)) return false;
  const int64_t below = beyond(s->out_h, s->stride_h, s->filter_h, s->pad_top, s->in_h);
  const bool lines = s->in_h >= s->filter_h && s->pad_top < s->filter_h && below < s->filter_h;
  return lines && is_edge(conv, s->pad_left) && is_edge(conv, right_of(s)) &&
         s->pad_left + right_of(s) < s->filter_w && s->out_c % conv->s8->unit_step == 0;
}

static er_edge_s8 edge_of(const er_conv_gemm *conv, er_outside out) {
  const int32_t columns = out.left + out.right;
  return (er_edge_s8){columns * conv->shape.filter_c, sums_of(conv, out)};
}

er_conv_cut er_conv_cut_of(const er_conv_gemm *conv, int32_t line) {
  const er_conv_shape *s = &conv->shape;
  const int32_t most = s->filter_h - 1, above = s->pad_top - line * s->stride_h;
  const int32_t below = s->filter_h - above - s->in_h;
  er_conv_cut cut = {.lines = 1};
  if (above > 0) {
    cut.before = above < most ? above : most;
  } else if (below > 0) {
    cut.behind = below < most ? below : most;
  } else {
    cut.lines += -below / s->stride_h; /* until the filter reaches the end of the image */
  }
  const er_outside out = {.above = cut.before, .below = cut.behind};
  if (cut.before + cut.behind > 0) cut.instead = sums_of(conv, out);
  return cut;
}

er_conv_cut er_conv_bare_cut_of(const er_conv_gemm *conv, int32_t line) {
  er_conv_cut cut = er_conv_cut_of(conv, line);
  const int32_t left = conv->shape.pad_left, right = (int32_t)right_of(&conv->shape);
  cut.left = edge_of(conv, (er_outside){cut.before, cut.behind, left, 0});
  cut.right = edge_of(conv, (er_outside){cut.before, cut.behind, 0, right});
  return cut;
}
