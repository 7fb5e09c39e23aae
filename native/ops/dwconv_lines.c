#include "dwconv_lines.h"

#include <string.h>

/* Input lines from the first to the last that one output line reads. */
static int32_t span(const er_conv_shape *s) { return (s->filter_h - 1) * s->dilation_h + 1; }

static size_t list_bytes(const er_conv_shape *s) {
  return er_align_up((size_t)s->filter_h * sizeof(void *));
}

static size_t tag_bytes(const er_conv_shape *s) {
  return er_align_up((size_t)span(s) * sizeof(int64_t));
}

static size_t element_bytes(const er_dwconv_lines *conv) { return conv->s8 ? 1 : sizeof(float); }

static edgert_status pack_s8(er_plan *plan, const er_linear_tensors *t, const er_linear *linear,
                             er_dwconv_lines *conv) {
  conv->s8 = &er_plan_kernels(plan)->dwconv_s8;
  void *packed = er_plan_alloc(plan, conv->s8->packed_bytes(&conv->spread));
  const int8_t *values = er_weights_as_int8(plan, t->weights);
  if (!packed || !values) return er_plan_no_memory(plan);
  const er_weights_s8 weights = {.units = conv->shape.out_c,
                                 .depth = conv->shape.filter_h * conv->shape.filter_w,
                                 .values = values,
                                 .bias = linear->requant.bias,
                                 .scale = linear->requant.scale,
                                 .input_zero_point = linear->zero_point};
  conv->s8->pack(&conv->spread, &weights, packed);
  conv->packed = packed;
  conv->zero_point = (int8_t)linear->zero_point;
  conv->range = er_linear_range(linear);
  return EDGERT_OK;
}

static edgert_status take_f32(er_plan *plan, const er_linear_tensors *t, const er_linear *linear,
                              er_dwconv_lines *conv) {
  conv->f32 = er_plan_kernels(plan)->dwconv_f32.run;
  conv->bounds = linear->bounds;
  conv->bias = t->bias ? t->bias->constant : NULL;
  if (!t->weights->constant) return EDGERT_OK;
  conv->weights = er_float_weights(plan, t->weights);
  return conv->weights ? EDGERT_OK : er_plan_no_memory(plan);
}

/* Scratch of a thread: the list of lines, the ring's tags, a line of padding, the ring, the
 * kernel's own. */
void er_dwconv_lines_resize(er_dwconv_lines *conv) {
  const er_conv_shape *s = &conv->shape;
  const size_t pixel = (size_t)s->out_c * element_bytes(conv);
  conv->line_w = (s->out_w - 1) * s->stride_w + (s->filter_w - 1) * s->dilation_w + 1;
  conv->direct = s->multiplier == 1 && s->pad_left == 0 && conv->line_w <= s->in_w;
  conv->line_bytes = er_align_up((size_t)conv->line_w * pixel + ER_OVERREAD);
  const size_t lines = conv->direct ? 1 : 1 + (size_t)span(s);
  conv->thread_bytes = list_bytes(s) + tag_bytes(s) + lines * conv->line_bytes +
                       (conv->s8 ? er_align_up(conv->s8->scratch_bytes(&conv->spread)) : 0);
}

edgert_status er_dwconv_lines_plan(er_plan *plan, const er_conv_shape *shape,
                                   const er_linear_tensors *tensors, const er_linear *linear,
                                   er_dwconv_lines *conv) {
  *conv = (er_dwconv_lines){.shape = *shape, .spread = *shape};
  conv->spread.in_c = shape->out_c;
  conv->spread.multiplier = 1;
  ER_TRY(linear->arithmetic == ER_FLOAT_LINEAR ? take_f32(plan, tensors, linear, conv)
                                               : pack_s8(plan, tensors, linear, conv));
  er_dwconv_lines_resize(conv);
  return EDGERT_OK;
}

/* ---- running --------------------------------------------------------------------------------- */

void er_dwconv_lines_one(const er_dwconv_lines *conv, const void *const *lines, void *output,
                         void *scratch) {
  if (conv->s8) {
    const er_dwconv_s8_call call = {.shape = &conv->spread,
                                    .lines = (const int8_t *const *)lines,
                                    .packed = conv->packed,
                                    .range = conv->range,
                                    .output = output,
                                    .scratch = scratch};
    conv->s8->run(&call);
    return;
  }
  const er_dwconv_f32_call call = {.shape = &conv->spread,
                                   .lines = (const float *const *)lines,
                                   .weights = conv->weights,
                                   .bias = conv->bias,
                                   .low = conv->bounds.low,
                                   .high = conv->bounds.high,
                                   .output = output};
  conv->f32(&call);
}

/* What one thread works with. Padded copies of input lines are kept in a ring, so that each is
 * made once: line y is at y mod span. */
typedef struct window {
  const er_dwconv_lines *conv;
  const char *input;
  const void **lines; /* [filter_h] for the kernel */
  int64_t *tags;      /* [span] which line of which image each place holds; -1: none */
  char *padding;      /* a line outside of the image */
  char *ring;         /* [span][line_bytes] */
  void *kernel;       /* the kernel's scratch */
} window;

static window open_window(const er_dwconv_lines *conv, const void *input, char *scratch) {
  const er_conv_shape *s = &conv->shape;
  window w = {.conv = conv, .input = input};
  w.lines = (const void **)(void *)scratch;
  w.tags = (int64_t *)(void *)(scratch + list_bytes(s));
  w.padding = scratch + list_bytes(s) + tag_bytes(s);
  w.ring = w.padding + conv->line_bytes;
  w.kernel = w.ring + (conv->direct ? 0 : (size_t)span(s) * conv->line_bytes);
  for (int32_t i = 0; i < span(s); i++) w.tags[i] = -1;
  memset(w.padding, conv->s8 ? conv->zero_point : 0,
         (size_t)conv->line_w * (size_t)s->out_c * element_bytes(conv));
  return w;
}

static const void *line_at(const window *w, int32_t image, int32_t y) {
  const er_dwconv_lines *conv = w->conv;
  const er_conv_shape *s = &conv->shape;
  if (y < 0 || y >= s->in_h) return w->padding;
  const int64_t number = (int64_t)image * s->in_h + y;
  const char *from = w->input + number * s->in_w * s->in_c * (int64_t)element_bytes(conv);
  if (conv->direct) return from;
  const int32_t place = y % span(s);
  char *to = w->ring + (size_t)place * conv->line_bytes;
  if (w->tags[place] != number) {
    er_dwconv_line(s, (int32_t)element_bytes(conv), from, &conv->zero_point, to);
    w->tags[place] = number;
  }
  return to;
}

void er_dwconv_lines_run(const er_dwconv_lines *conv, const void *input, void *output,
                         int32_t first, int32_t last, void *scratch) {
  const er_conv_shape *s = &conv->shape;
  const window w = open_window(conv, input, scratch);
  const size_t row_bytes = (size_t)s->out_w * (size_t)s->out_c * element_bytes(conv);
  for (int32_t row = first; row < last; row++) {
    const int32_t top = row % s->out_h * s->stride_h - s->pad_top;
    for (int32_t i = 0; i < s->filter_h; i++) {
      w.lines[i] = line_at(&w, row / s->out_h, top + i * s->dilation_h);
    }
    er_dwconv_lines_one(conv, w.lines, (char *)output + (size_t)row * row_bytes, w.kernel);
  }
}
