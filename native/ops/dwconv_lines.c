#include "dwconv_lines.h"

#include "line_window.h"

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
                                 .input_zero_point = linear->zero_point,
                                 .range = er_linear_range(linear)};
  conv->s8->pack(&conv->spread, &weights, packed);
  conv->packed = packed;
  conv->zero_point = (int8_t)linear->zero_point;
  conv->range = er_linear_range(linear);
  return er_take_wide_units(plan, t, linear, &conv->wide);
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

void er_dwconv_lines_resize(er_dwconv_lines *conv) {
  const er_conv_shape *s = &conv->shape;
  const int32_t whole = s->pad_left + s->in_w; /* a padded line may leave out the image's end */
  conv->line_w = (s->out_w - 1) * s->stride_w + (s->filter_w - 1) * s->dilation_w + 1;
  conv->at_once = conv->s8 && conv->s8->pairs && conv->s8->pairs(&conv->spread) ? 2 : 1;
  conv->direct = s->multiplier == 1 && s->pad_left == 0 && conv->line_w <= s->in_w;
  const size_t pixels = (size_t)(conv->line_w > whole ? conv->line_w : whole);
  conv->line_bytes = er_align_up(pixels * (size_t)s->out_c * element_bytes(conv) + ER_OVERREAD);
  conv->thread_bytes = er_line_window_bytes(conv, !conv->direct);
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

size_t er_dwconv_lines_row_bytes(const er_dwconv_lines *conv) {
  return (size_t)conv->shape.out_w * (size_t)conv->shape.out_c * element_bytes(conv);
}

/* ---- running --------------------------------------------------------------------------------- */

static void compute_s8(const er_dwconv_lines *conv, const er_dwconv_s8_call *call) {
  conv->s8->run(call);
  if (conv->wide.count == 0) return;
  for (int32_t i = 0; i < call->rows; i++) {
    conv->wide.kernels->wide_units_line(&conv->wide, call->shape, call->lines + i,
                                        call->output + i * er_dwconv_lines_row_bytes(conv));
  }
}

void er_dwconv_lines_compute(const er_dwconv_lines *conv, int32_t rows, const void *const *lines,
                             void *output, void *scratch) {
  if (conv->s8) {
    const er_dwconv_s8_call call = {.shape = &conv->spread,
                                    .rows = rows,
                                    .lines = (const int8_t *const *)lines,
                                    .packed = conv->packed,
                                    .range = conv->range,
                                    .output = output,
                                    .scratch = scratch};
    compute_s8(conv, &call);
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

static void put_line(const void *arg, const char *from, char *to) {
  const er_dwconv_lines *conv = arg;
  er_dwconv_inside(&conv->shape, (int32_t)element_bytes(conv), from, to);
}

er_line_source er_dwconv_lines_source(const er_dwconv_lines *conv, const void *input) {
  const er_conv_shape *s = &conv->shape;
  return (er_line_source){.input = input,
                          .bytes = (size_t)s->in_w * (size_t)s->in_c * element_bytes(conv),
                          .make = conv->direct ? NULL : put_line,
                          .arg = conv};
}

void er_dwconv_lines_run(const er_dwconv_lines *conv, const void *input, void *output,
                         int32_t first, int32_t last, void *scratch) {
  const er_line_window w = er_line_window_open(conv, er_dwconv_lines_source(conv, input), scratch);
  er_line_window_compute(&w, first, last,
                         (char *)output + (size_t)first * er_dwconv_lines_row_bytes(conv));
}
