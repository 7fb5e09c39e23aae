/* CONV_2D on the fast kernels. */
#include "conv.h"

/* Patches at once: they stay in the first-level cache beside a panel of weights. */
enum { STRIP_BYTES = 16 * 1024, MOST_STRIP = 256 };

static bool is_direct(const er_conv_shape *s) {
  return s->filter_h == 1 && s->filter_w == 1 && s->stride_h == 1 && s->stride_w == 1 &&
         s->groups == 1 && s->pad_top == 0 && s->pad_left == 0 && s->out_h == s->in_h &&
         s->out_w == s->in_w;
}

static void choose_strip(er_conv_gemm *conv, size_t element_bytes, int32_t row_step) {
  const size_t row = (size_t)conv->depth * element_bytes;
  const int32_t fitting = row > STRIP_BYTES ? 1 : (int32_t)(STRIP_BYTES / row);
  const int32_t strip = er_round_up(fitting < MOST_STRIP ? fitting : MOST_STRIP, row_step);
  conv->strip = strip;
  conv->thread_bytes = conv->direct ? 0 : (size_t)strip * row + ER_OVERREAD;
}

static edgert_status pack_s8(er_plan *plan, const er_linear_tensors *t, const er_linear *linear,
                             er_conv_gemm *conv) {
  const int32_t groups = conv->shape.groups, units = conv->shape.out_c / groups;
  const bool int4 = t->weights->type == EDGERT_INT4;
  conv->s8 = int4 ? &er_plan_kernels(plan)->gemm_w4 : &er_plan_kernels(plan)->gemm_s8;
  conv->group_bytes = er_align_up(conv->s8->packed_bytes(units, conv->depth));
  char *packed = er_plan_alloc(plan, conv->group_bytes * (size_t)groups);
  const int8_t *values = er_weights_as_int8(plan, t->weights);
  if (!packed || !values) return er_plan_no_memory(plan);
  for (int32_t g = 0; g < groups; g++) {
    const int64_t first = (int64_t)g * units;
    const er_weights_s8 weights = {.units = units,
                                   .depth = conv->depth,
                                   .values = values + first * conv->depth,
                                   .bias = linear->requant.bias + first,
                                   .scale = linear->requant.scale + first,
                                   .input_zero_point = linear->zero_point};
    conv->s8->pack(&weights, packed + (size_t)g * conv->group_bytes);
  }
  conv->packed = packed;
  conv->zero_point = (int8_t)linear->zero_point;
  conv->range = er_linear_range(linear);
  choose_strip(conv, 1, conv->s8->row_step);
  return EDGERT_OK;
}

static edgert_status pack_f32(er_plan *plan, const er_linear_tensors *t, const er_linear *linear,
                              er_conv_gemm *conv) {
  const int32_t groups = conv->shape.groups, units = conv->shape.out_c / groups;
  conv->f32 = &er_plan_kernels(plan)->gemm_f32;
  conv->group_bytes = er_align_up(conv->f32->packed_bytes(units, conv->depth));
  char *packed = er_plan_alloc(plan, conv->group_bytes * (size_t)groups);
  const float *values = er_float_weights(plan, t->weights);
  if (!packed || !values) return er_plan_no_memory(plan);
  const float *bias = t->bias ? t->bias->constant : NULL;
  for (int32_t g = 0; g < groups; g++) {
    const int64_t first = (int64_t)g * units;
    conv->f32->pack(units, conv->depth, values + first * conv->depth, bias ? bias + first : NULL,
                    packed + (size_t)g * conv->group_bytes);
  }
  conv->packed = packed;
  conv->bounds = linear->bounds;
  choose_strip(conv, sizeof(float), conv->f32->row_step);
  return EDGERT_OK;
}

edgert_status er_conv_gemm_plan(er_plan *plan, const er_conv_shape *shape,
                                const er_linear_tensors *tensors, const er_linear *linear,
                                er_conv_gemm *conv) {
  *conv = (er_conv_gemm){.shape = *shape,
                         .depth = shape->filter_h * shape->filter_w * shape->filter_c,
                         .direct = is_direct(shape)};
  return linear->arithmetic == ER_FLOAT_LINEAR ? pack_f32(plan, tensors, linear, conv)
                                               : pack_s8(plan, tensors, linear, conv);
}

/* ---- running --------------------------------------------------------------------------------- */

/* @param rows [count, depth] */
static void multiply_s8(const er_conv_gemm *conv, int32_t group, int32_t count, const int8_t *rows,
                        int8_t *output) {
  const int32_t units = conv->shape.out_c / conv->shape.groups;
  const er_gemm_s8_call call = {.rows = count,
                                .depth = conv->depth,
                                .units = units,
                                .input = rows,
                                .input_stride = conv->depth,
                                .packed = conv->packed + (size_t)group * conv->group_bytes,
                                .first = 0,
                                .last = units,
                                .range = conv->range,
                                .output = output + (int64_t)group * units,
                                .output_stride = conv->shape.out_c};
  conv->s8->run(&call);
}

static void multiply_f32(const er_conv_gemm *conv, int32_t group, int32_t count, const float *rows,
                         float *output) {
  const int32_t units = conv->shape.out_c / conv->shape.groups;
  const er_gemm_f32_call call = {.rows = count,
                                 .depth = conv->depth,
                                 .units = units,
                                 .input = rows,
                                 .input_stride = conv->depth,
                                 .packed = conv->packed + (size_t)group * conv->group_bytes,
                                 .first = 0,
                                 .last = units,
                                 .low = conv->bounds.low,
                                 .high = conv->bounds.high,
                                 .output = output + (int64_t)group * units,
                                 .output_stride = conv->shape.out_c};
  conv->f32->run(&call);
}

static void strip_s8(const er_conv_gemm *conv, const int8_t *input, int8_t *output, int32_t first,
                     int32_t last, int8_t *rows) {
  for (int32_t group = 0; group < conv->shape.groups; group++) {
    er_im2col_s8(&conv->shape, conv->zero_point, input, group, first, last, rows);
    multiply_s8(conv, group, last - first, rows, output + (int64_t)first * conv->shape.out_c);
  }
}

static void strip_f32(const er_conv_gemm *conv, const float *input, float *output, int32_t first,
                      int32_t last, float *rows) {
  for (int32_t group = 0; group < conv->shape.groups; group++) {
    er_im2col_f32(&conv->shape, input, group, first, last, rows);
    multiply_f32(conv, group, last - first, rows, output + (int64_t)first * conv->shape.out_c);
  }
}

void er_conv_gemm_pixels(const er_conv_gemm *conv, const void *input, void *output, int32_t first,
                         int32_t last, void *scratch) {
  const int64_t from = (int64_t)first * conv->depth, to = (int64_t)first * conv->shape.out_c;
  if (conv->direct && conv->s8) {
    multiply_s8(conv, 0, last - first, (const int8_t *)input + from, (int8_t *)output + to);
    return;
  }
  if (conv->direct) {
    multiply_f32(conv, 0, last - first, (const float *)input + from, (float *)output + to);
    return;
  }
  for (int32_t pixel = first; pixel < last; pixel += conv->strip) {
    const int32_t end = last - pixel < conv->strip ? last : pixel + conv->strip;
    if (conv->s8) {
      strip_s8(conv, input, output, pixel, end, scratch);
    } else {
      strip_f32(conv, input, output, pixel, end, scratch);
    }
  }
}
