/* CONV_2D on the fast kernels. */
#include <string.h>

#include "conv_cut.h"
#include "conv_winograd.h"

/* Patches at once: as many bytes as there are weights, which then are read from afar for few
 * strips, within what caches hold. */
enum { LEAST_STRIP_BYTES = 16 * 1024, MOST_STRIP_BYTES = 1024 * 1024, MOST_STRIP = 256 };

enum { MOST_BYTES_IN_PLACE = 64 * 1024, LEAST_WIDTH_IN_PLACE = 24 };
enum { MOST_PADDED_DEPTH = 1024, MOST_TIMES_PADDED = 3 };

static size_t strip_bytes(size_t weight_bytes) {
  if (weight_bytes < LEAST_STRIP_BYTES) return LEAST_STRIP_BYTES;
  return weight_bytes < MOST_STRIP_BYTES ? weight_bytes : MOST_STRIP_BYTES;
}

bool er_is_pointwise(const er_conv_shape *s) {
  return s->filter_h == 1 && s->filter_w == 1 && s->stride_h == 1 && s->stride_w == 1 &&
         s->groups == 1 && s->pad_top == 0 && s->pad_left == 0 && s->out_h == s->in_h &&
         s->out_w == s->in_w;
}

/* Whether many lines are multiplied in a call. */
static bool takes_lines(const er_conv_gemm *conv) { return conv->f32 || conv->s8->line_step > 0; }

/* Whether most of the rows that the kernel computes at once are of the line. */
static bool fills_steps(int32_t width, int32_t step) {
  return (step - width % step) % step <= width / 3;
}

/* Whether patches can be multiplied where they lie, many lines in a call: those under one must fit
 * into the cache. Wide units are computed again from whole patches. */
static bool multiplies_lines(const er_conv_gemm *conv) {
  const er_conv_shape *s = &conv->shape;
  const int32_t element = (int32_t)er_conv_gemm_element_bytes(conv);
  return takes_lines(conv) && !er_is_pointwise(s) && conv->wide.count == 0 &&
         er_patches_stay(s, 1) && (conv->f32 || fills_steps(s->out_w, conv->s8->line_step)) &&
         er_patch_lines_of(s, element, 0).thread_bytes <= MOST_STRIP_BYTES;
}

/* To what a kernel takes at once, where that does not cost more than gathering patches. */
static int32_t padded_piece(const er_conv_gemm *conv) {
  const er_conv_shape *s = &conv->shape;
  const int32_t line = s->filter_w * s->filter_c;
  if (conv->f32 || !conv->s8->pads || !multiplies_lines(conv)) return line;
  if (conv->depth > MOST_PADDED_DEPTH) return line;
  const int32_t step = conv->s8->segment_step, piece = er_round_up(line, step);
  return s->filter_h * piece <= MOST_TIMES_PADDED * er_round_up(conv->depth, step) ? piece : line;
}

/* Kernels that take but one line in a call: the more units there are, the less it costs to gather
 * patches, and the more often their weights would be read, line by line; and the last rows of a
 * line should not go one by one. */
static bool multiplies_in_place(const er_conv_gemm *conv) {
  const er_conv_shape *s = &conv->shape;
  const int32_t step = conv->f32 ? 1 : conv->s8->segment_step;
  if (conv->piece > s->filter_w * s->filter_c) return true; /* so the weights are packed */
  if (conv->direct || conv->wide.count > 0 || !er_patches_stay(s, step)) return false;
  if (takes_lines(conv)) return multiplies_lines(conv);
  return conv->group_bytes <= MOST_BYTES_IN_PLACE &&
         (s->out_w >= LEAST_WIDTH_IN_PLACE || s->out_w % conv->s8->row_step == 0);
}

/* Scratch of the gathered patches; behind it lies that of the gathering. */
static size_t strip_rows_bytes(const er_conv_gemm *conv) {
  const size_t row = (size_t)conv->depth * er_conv_gemm_element_bytes(conv);
  return er_align_up((size_t)conv->strip * row + ER_OVERREAD);
}

void er_conv_gemm_resize(er_conv_gemm *conv) {
  const size_t row = (size_t)conv->depth * er_conv_gemm_element_bytes(conv);
  const size_t bytes = strip_bytes(conv->group_bytes);
  const int32_t fitting = row > bytes ? 1 : (int32_t)(bytes / row);
  conv->direct = er_is_pointwise(&conv->shape);
  conv->in_place = multiplies_in_place(conv);
  conv->bare = conv->in_place && er_conv_is_bare(conv);
  conv->strip =
      er_round_up(fitting < MOST_STRIP ? fitting : MOST_STRIP, er_conv_gemm_row_step(conv));
  conv->thread_bytes = 0;
  if (conv->direct) return;
  if (er_is_winograd(conv)) {
    conv->thread_bytes = er_conv_winograd_bytes(conv);
    return;
  }
  if (conv->in_place) {
    conv->lines = er_patch_lines_of(&conv->shape, (int32_t)er_conv_gemm_element_bytes(conv),
                                    strip_bytes(conv->group_bytes));
    conv->thread_bytes = conv->lines.thread_bytes;
    return;
  }
  conv->rows =
      er_patch_rows_of(&conv->shape, (int32_t)er_conv_gemm_element_bytes(conv), conv->strip);
  conv->thread_bytes = strip_rows_bytes(conv) + conv->rows.thread_bytes;
}

/* A kernel that unpacks 4-bit weights in each call halves what comes from memory, and takes longer:
 * it pays where few pixels meet each weight, which then arrives later than it is multiplied. */
static const er_gemm_s8 *gemm_for(const er_kernels *kernels, const er_conv_shape *s, bool int4) {
  enum { FEW_PIXELS = 32 };
  const bool few = s->out_h * s->out_w < FEW_PIXELS;
  return int4 && (few || !kernels->gemm_w4.unpacks) ? &kernels->gemm_w4 : &kernels->gemm_s8;
}

/* @param values [units, filter_h, filter_w * filter_c]
 * @return [units, filter_h, piece], borrowed; NULL: no memory */
static const int8_t *pad_lines(er_plan *plan, const er_conv_gemm *conv, const int8_t *values) {
  const er_conv_shape *s = &conv->shape;
  const size_t line = (size_t)s->filter_w * (size_t)s->filter_c, piece = (size_t)conv->piece;
  if (line == piece) return values;
  const size_t lines = (size_t)s->out_c * (size_t)s->filter_h;
  int8_t *padded = er_plan_borrow(plan, lines * piece);
  if (!padded) return NULL;
  for (size_t i = 0; i < lines; i++) memcpy(padded + i * piece, values + i * line, line);
  return padded;
}

/* @param weights of one group, or of all if there is one */
static size_t packed_bytes_s8(const er_conv_gemm *conv, const er_weights_s8 *weights) {
  return conv->winograd_s8 ? conv->winograd_s8->packed_bytes(weights->units, conv->shape.in_c)
                           : conv->s8->packed_bytes(weights->units, weights->depth);
}

/* @param weights of the first group */
static edgert_status pack_groups_s8(er_plan *plan, er_weights_s8 weights, er_conv_gemm *conv) {
  const int32_t groups = conv->shape.groups;
  conv->group_bytes = er_align_up(packed_bytes_s8(conv, &weights));
  char *packed = er_plan_alloc(plan, conv->group_bytes * (size_t)groups);
  if (!packed) return er_plan_no_memory(plan);
  conv->packed = packed;
  for (int32_t g = 0; g < groups; g++, packed += conv->group_bytes) {
    (conv->winograd_s8 ? conv->winograd_s8->pack : conv->s8->pack)(&weights, packed);
    weights.values += (int64_t)weights.units * weights.depth;
    weights.bias += weights.units;
    weights.scale += weights.units;
  }
  return EDGERT_OK;
}

static edgert_status pack_s8(er_plan *plan, const er_linear_tensors *t, const er_linear *linear,
                             er_conv_gemm *conv) {
  const bool int4 = t->weights->type == EDGERT_INT4;
  conv->s8 = gemm_for(er_plan_kernels(plan), &conv->shape, int4);
  conv->zero_point = (int8_t)linear->zero_point;
  conv->range = er_linear_range(linear);
  ER_TRY(er_take_wide_units(plan, t, linear, &conv->wide));
  er_weights_s8 weights = {.units = conv->shape.out_c / conv->shape.groups,
                           .depth = conv->depth,
                           .values = er_weights_as_int8(plan, t->weights),
                           .bias = linear->requant.bias,
                           .scale = linear->requant.scale,
                           .input_zero_point = linear->zero_point,
                           .range = conv->range};
  if (!weights.values) return er_plan_no_memory(plan);
  conv->winograd_s8 = er_conv_winograd_s8_for(conv, &weights, int4);
  if (!conv->winograd_s8) {
    conv->piece = padded_piece(conv);
    weights.depth = conv->shape.filter_h * conv->piece;
    weights.values = pad_lines(plan, conv, weights.values);
    if (!weights.values) return er_plan_no_memory(plan);
    if (multiplies_in_place(conv)) ER_TRY(er_conv_cut_plan(plan, weights.values, conv));
  }
  return pack_groups_s8(plan, weights, conv);
}

static edgert_status pack_f32(er_plan *plan, const er_linear_tensors *t, const er_linear *linear,
                              er_conv_gemm *conv) {
  const int32_t groups = conv->shape.groups, units = conv->shape.out_c / groups;
  conv->f32 = &er_plan_kernels(plan)->gemm_f32;
  conv->bounds = linear->bounds;
  conv->winograd_f32 = er_conv_winograd_f32_for(plan, conv);
  conv->group_bytes =
      er_align_up(conv->winograd_f32 ? er_conv_winograd_f32_packed(conv)
                                     : er_packed_f32(conv->f32, units, conv->depth));
  char *packed = er_plan_alloc(plan, conv->group_bytes * (size_t)groups);
  const float *values = er_float_weights(plan, t->weights);
  if (!packed || !values) return er_plan_no_memory(plan);
  const float *bias = t->bias ? t->bias->constant : NULL;
  conv->packed = packed;
  if (conv->winograd_f32) return er_conv_winograd_f32_pack(plan, conv, values, bias, packed);
  for (int32_t g = 0; g < groups; g++) {
    const int64_t first = (int64_t)g * units;
    er_pack_f32(conv->f32, units, conv->depth, values + first * conv->depth, false,
                bias ? bias + first : NULL, packed + (size_t)g * conv->group_bytes);
  }
  return EDGERT_OK;
}

edgert_status er_conv_gemm_plan(er_plan *plan, const er_conv_shape *shape,
                                const er_linear_tensors *tensors, const er_linear *linear,
                                er_conv_gemm *conv) {
  *conv = (er_conv_gemm){.shape = *shape,
                         .depth = shape->filter_h * shape->filter_w * shape->filter_c,
                         .piece = shape->filter_w * shape->filter_c,
                         .pixel_step = shape->out_c};
  ER_TRY(linear->arithmetic == ER_FLOAT_LINEAR ? pack_f32(plan, tensors, linear, conv)
                                               : pack_s8(plan, tensors, linear, conv));
  er_conv_gemm_resize(conv);
  return EDGERT_OK;
}

/* ---- running --------------------------------------------------------------------------------- */

static er_gemm_s8_call call_s8(const er_conv_gemm *conv, int32_t group, int32_t count,
                               int8_t *output) {
  const int32_t units = conv->shape.out_c / conv->shape.groups;
  return (er_gemm_s8_call){.rows = count,
                           .depth = conv->depth,
                           .units = units,
                           .packed = conv->packed + (size_t)group * conv->group_bytes,
                           .last = units,
                           .range = conv->range,
                           .output = output + (int64_t)group * units,
                           .output_stride = conv->pixel_step};
}

/* @param rows [count, depth] */
static void multiply_s8(const er_conv_gemm *conv, int32_t group, int32_t count, const int8_t *rows,
                        int32_t first, int32_t last, int8_t *output) {
  er_gemm_s8_call call = call_s8(conv, group, count, output);
  call.input = rows;
  call.input_stride = conv->depth;
  call.first = first;
  call.last = last;
  conv->s8->run(&call);
  const int32_t start = group * call.units;
  conv->wide.kernels->wide_units_rows(&conv->wide, count, rows, start + first, start + last, output,
                                      call.output_stride);
}

static er_gemm_f32_call call_f32(const er_conv_gemm *conv, int32_t group, int32_t count,
                                 float *output) {
  const int32_t units = conv->shape.out_c / conv->shape.groups;
  return (er_gemm_f32_call){.rows = count,
                            .depth = conv->depth,
                            .units = units,
                            .packed = conv->packed + (size_t)group * conv->group_bytes,
                            .last = units,
                            .low = conv->bounds.low,
                            .high = conv->bounds.high,
                            .output = output + (int64_t)group * units,
                            .output_stride = conv->pixel_step};
}

static void multiply_f32(const er_conv_gemm *conv, int32_t group, int32_t count, const float *rows,
                         int32_t first, int32_t last, float *output) {
  er_gemm_f32_call call = call_f32(conv, group, count, output);
  call.input = rows;
  call.input_stride = conv->depth;
  call.first = first;
  call.last = last;
  conv->f32->run(&call);
}

const char *er_conv_gemm_kernel(const er_conv_gemm *conv) {
  if (conv->winograd_s8) return conv->winograd_s8->name;
  if (conv->winograd_f32) return conv->winograd_f32->name;
  return conv->s8 ? conv->s8->name : conv->f32->name;
}

size_t er_conv_gemm_element_bytes(const er_conv_gemm *conv) {
  return conv->s8 ? sizeof(int8_t) : sizeof(float);
}

int32_t er_conv_gemm_row_step(const er_conv_gemm *conv) {
  if (er_is_winograd(conv)) return er_conv_winograd_step(conv);
  return conv->s8 ? conv->s8->row_step : conv->f32->row_step;
}

static void multiply(const er_conv_gemm *conv, int32_t group, int32_t count, const void *rows,
                     void *output) {
  const int32_t units = conv->shape.out_c / conv->shape.groups;
  if (conv->s8) {
    multiply_s8(conv, group, count, rows, 0, units, output);
  } else {
    multiply_f32(conv, group, count, rows, 0, units, output);
  }
}

void er_conv_gemm_rows(const er_conv_gemm *conv, int32_t count, const void *rows, void *output) {
  multiply(conv, 0, count, rows, output);
}

void er_conv_gemm_units(const er_conv_gemm *conv, int32_t count, const void *rows, int32_t first,
                        int32_t last, void *output) {
  if (conv->s8) {
    multiply_s8(conv, 0, count, rows, first, last, output);
  } else {
    multiply_f32(conv, 0, count, rows, first, last, output);
  }
}

int32_t er_conv_gemm_unit_step(const er_conv_gemm *conv) {
  return conv->s8 ? conv->s8->unit_step : conv->f32->unit_step;
}

static int32_t least(int32_t a, int32_t b) { return a < b ? a : b; }

/* `count` output pixels of a line, or of several from their first pixel on.
 * @param lines under them, from the first pixel's patch on, that are not cut */
static void multiply_lines_s8(const er_conv_gemm *conv, int32_t group, er_conv_cut cut,
                              const int8_t *lines, size_t line_bytes, int32_t count,
                              int8_t *output) {
  const er_conv_shape *s = &conv->shape;
  er_gemm_s8_call call = call_s8(conv, group, count, output);
  call.input = lines;
  call.before = cut.before;
  call.behind = cut.behind;
  call.instead = cut.instead;
  call.left = cut.left;
  call.right = cut.right;
  call.input_stride = (int64_t)s->stride_w * s->filter_c;
  call.depth = s->filter_h * conv->piece;
  call.segments = s->filter_h;
  call.segment_stride = (int64_t)line_bytes;
  call.width = s->out_w;
  call.line_stride = s->stride_h * call.segment_stride;
  conv->s8->run(&call);
}

static void multiply_lines_f32(const er_conv_gemm *conv, int32_t group, const float *lines,
                               size_t line_bytes, int32_t count, float *output) {
  const er_conv_shape *s = &conv->shape;
  er_gemm_f32_call call = call_f32(conv, group, count, output);
  call.input = lines;
  call.input_stride = (int64_t)s->stride_w * s->filter_c;
  call.segments = s->filter_h;
  call.segment_stride = (int64_t)(line_bytes / sizeof(float));
  call.width = s->out_w;
  call.line_stride = s->stride_h * call.segment_stride;
  conv->f32->run(&call);
}

static er_conv_cut cut_of(const er_conv_gemm *conv, int32_t line) {
  return conv->cut_sums ? er_conv_cut_of(conv, line) : (er_conv_cut){.lines = conv->shape.out_h};
}

/* Output pixels [first, last) of one image. @param lines under them */
static void multiply_lines(const er_conv_gemm *conv, int32_t group, const char *lines,
                           size_t line_bytes, int32_t first, int32_t last, char *output) {
  const er_conv_shape *s = &conv->shape;
  const size_t element = er_conv_gemm_element_bytes(conv);
  const size_t pixel = (size_t)s->stride_w * (size_t)s->filter_c * element;
  for (int32_t at = first, count; at < last; at += count) {
    const int32_t x = at % s->out_w;
    const void *from = lines + (size_t)x * pixel;
    const er_conv_cut cut = cut_of(conv, at / s->out_w % s->out_h);
    const int32_t at_once = takes_lines(conv) && x == 0 ? cut.lines : 1;
    const int64_t left = (int64_t)at_once * s->out_w - x;
    count = left < last - at ? (int32_t)left : last - at;
    if (conv->f32) {
      multiply_lines_f32(conv, group, from, line_bytes, count, (float *)(void *)output);
    } else {
      const int8_t *uncut = (const int8_t *)from + (size_t)cut.before * line_bytes;
      multiply_lines_s8(conv, group, cut, uncut, line_bytes, count, (int8_t *)output);
    }
    lines += (size_t)at_once * (size_t)s->stride_h * line_bytes;
    output += (size_t)count * (size_t)conv->pixel_step * element;
  }
}

/* Output lines [first, last) of a convolution that is `bare`. */
static void multiply_bare(const er_conv_gemm *conv, const int8_t *input, int32_t first,
                          int32_t last, int8_t *output) {
  const er_conv_shape *s = &conv->shape;
  const size_t line_bytes = (size_t)s->in_w * (size_t)s->in_c;
  for (int32_t at = first, count; at < last; at += count) {
    const int32_t line = at % s->out_h;
    const er_conv_cut cut = er_conv_bare_cut_of(conv, line);
    const int64_t top = (int64_t)line * s->stride_h - s->pad_top + cut.before;
    const int8_t *lines = input + (size_t)((int64_t)(at / s->out_h) * s->in_h + top) * line_bytes;
    count = least(least(cut.lines, s->out_h - line), last - at);
    multiply_lines_s8(conv, 0, cut, lines, line_bytes, count * s->out_w, output);
    output += (size_t)count * (size_t)s->out_w * (size_t)conv->pixel_step;
  }
}

static void multiply_in_place(const er_conv_gemm *conv, const void *input, int32_t first,
                              int32_t last, char *output, void *scratch) {
  const er_conv_shape *s = &conv->shape;
  const er_patch_lines *lines = &conv->lines;
  const size_t pixel = (size_t)conv->pixel_step * (size_t)lines->element;
  for (int32_t at = first, end; at < last; at = end) {
    const int32_t line = at / s->out_w, in_image = s->out_h - line % s->out_h;
    end = least(last, (line + least(lines->rows, in_image)) * s->out_w);
    const int32_t rows = (end - 1) / s->out_w - line + 1;
    for (int32_t group = 0; group < s->groups; group++) {
      const char *from =
          er_patch_lines_get(lines, conv->zero_point, input, group, line, rows, scratch);
      multiply_lines(conv, group, from, lines->line_bytes, at, end,
                     output + (size_t)(at - first) * pixel);
    }
  }
}

void er_conv_gemm_pixels(const er_conv_gemm *conv, const void *input, int32_t first, int32_t last,
                         void *output, void *scratch) {
  const size_t bytes = er_conv_gemm_element_bytes(conv);
  if (conv->direct) {
    const size_t row = (size_t)conv->depth * bytes;
    multiply(conv, 0, last - first, (const char *)input + (size_t)first * row, output);
    return;
  }
  if (er_is_winograd(conv)) {
    er_conv_winograd_pixels(conv, input, first, last, output, scratch);
    return;
  }
  const int32_t width = conv->shape.out_w;
  if (conv->bare && first % width == 0 && last % width == 0) {
    multiply_bare(conv, input, first / width, last / width, output);
    return;
  }
  if (conv->in_place) {
    multiply_in_place(conv, input, first, last, output, scratch);
    return;
  }
  char *to = output;
  for (int32_t pixel = first; pixel < last; pixel += conv->strip) {
    const int32_t end = last - pixel < conv->strip ? last : pixel + conv->strip;
    for (int32_t group = 0; group < conv->shape.groups; group++) {
      er_patch_rows_get(&conv->rows, &conv->shape, conv->zero_point, input, group, pixel, end,
                        scratch, (char *)scratch + strip_rows_bytes(conv));
      multiply(conv, group, end - pixel, scratch, to);
    }
    to += (size_t)(end - pixel) * (size_t)conv->pixel_step * bytes;
  }
}
