/* CONV_2D with fewer output channels than a kernel computes at once, as where networks make images:
 * neighbouring pixels of a line become output channels of one filter, as wide as all of theirs. Its
 * zeros cost less than idle lanes. */
#include <string.h>

#include "conv.h"
#include "conv_winograd.h"

enum { MOST_DEPTH = 1 << 14 };

/* Columns of the filter of `pixels` neighbours. */
static int64_t columns(const er_conv_shape *s, int32_t pixels) {
  return s->filter_w + (int64_t)(pixels - 1) * s->stride_w;
}

/* Whether that saves a quarter of the products or more. */
static bool is_worth(const er_conv_shape *s, int32_t pixels) {
  const int64_t wide = columns(s, pixels);
  return 4 * wide <= 3 * (int64_t)s->filter_w * pixels &&
         wide * s->filter_h * s->filter_c <= MOST_DEPTH;
}

/* @return how many pixels become channels; 1: none do */
static int32_t neighbours(const er_conv_shape *s, const er_gemm_s8 *gemm) {
  if (s->groups > 1 || s->dilation_w > 1 || er_has_winograd_s8(gemm, s, false)) return 1;
  int32_t pixels = gemm->unit_step / s->out_c;
  while (pixels > 1 && s->out_w % pixels != 0) pixels--;
  return pixels > 1 && is_worth(s, pixels) ? pixels : 1;
}

/* @param values [out_c, filter_h, filter_w, filter_c]
 * @param[out] wide [pixels, out_c, filter_h, columns, filter_c], zeros */
static void widen(const er_conv_shape *s, int32_t pixels, const int8_t *values, int8_t *wide) {
  const size_t line = (size_t)s->filter_w * (size_t)s->filter_c;
  const size_t pitch = (size_t)columns(s, pixels) * (size_t)s->filter_c;
  const size_t step = (size_t)s->stride_w * (size_t)s->filter_c;
  const size_t lines = (size_t)s->out_c * (size_t)s->filter_h;
  for (size_t pixel = 0; pixel < (size_t)pixels; pixel++) {
    for (size_t i = 0; i < lines; i++, wide += pitch) {
      memcpy(wide + pixel * step, values + i * line, line);
    }
  }
}

/* Biases and scales [units], once for each pixel. */
static edgert_status repeat(er_plan *plan, int32_t units, int32_t pixels, er_requant *requant) {
  const size_t count = (size_t)units;
  int32_t *bias = er_plan_borrow(plan, count * (size_t)pixels * sizeof *bias);
  float *scale = er_plan_borrow(plan, count * (size_t)pixels * sizeof *scale);
  if (!bias || !scale) return er_plan_no_memory(plan);
  for (size_t pixel = 0; pixel < (size_t)pixels; pixel++) {
    memcpy(bias + pixel * count, requant->bias, count * sizeof *bias);
    memcpy(scale + pixel * count, requant->scale, count * sizeof *scale);
  }
  requant->bias = bias, requant->scale = scale;
  return EDGERT_OK;
}

static edgert_status plan_pixels(er_plan *plan, const er_conv_shape *s, int32_t pixels,
                                 const er_linear_tensors *tensors, const er_linear *linear,
                                 er_conv_gemm *conv) {
  er_conv_shape shape = *s;
  shape.filter_w = (int32_t)columns(s, pixels);
  shape.stride_w *= pixels, shape.out_w /= pixels, shape.out_c *= pixels;
  er_tensor weights = *tensors->weights;
  weights.type = EDGERT_INT8;
  weights.count = (int64_t)shape.out_c * s->filter_h * shape.filter_w * s->filter_c;
  const int8_t *values = er_weights_as_int8(plan, tensors->weights);
  int8_t *wide = er_plan_borrow(plan, (size_t)weights.count);
  if (!values || !wide) return er_plan_no_memory(plan);
  widen(s, pixels, values, wide);
  weights.constant = wide;
  er_linear_tensors of_pixels = *tensors;
  of_pixels.weights = &weights, of_pixels.units = shape.out_c;
  er_linear repeated = *linear;
  ER_TRY(repeat(plan, s->out_c, pixels, &repeated.requant));
  return er_conv_gemm_plan(plan, &shape, &of_pixels, &repeated, conv);
}

edgert_status er_conv_neighbours_plan(er_plan *plan, const er_conv_shape *shape,
                                      const er_linear_tensors *tensors, const er_linear *linear,
                                      er_conv_gemm *conv) {
  const bool exact = linear->arithmetic == ER_S8_LINEAR && er_has_plain_integers(tensors->weights);
  const int32_t pixels = exact ? neighbours(shape, &er_plan_kernels(plan)->gemm_s8) : 1;
  return pixels > 1 ? plan_pixels(plan, shape, pixels, tensors, linear, conv)
                    : er_conv_gemm_plan(plan, shape, tensors, linear, conv);
}
