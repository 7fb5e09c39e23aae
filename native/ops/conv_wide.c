/* CONV_2D on int16 rows. */
#include "conv.h"

enum { STRIP_BYTES = 128 * 1024 }; /* of patches at once: they stay in the second-level cache */

edgert_status er_conv_wide_plan(er_plan *plan, const er_conv_shape *shape,
                                const er_linear_tensors *tensors, const er_linear *linear,
                                er_conv_wide *conv) {
  *conv =
      (er_conv_wide){.shape = *shape,
                     .linear = *linear,
                     .gemm_s8 = er_plan_kernels(plan)->gemm_wide_s8,
                     .weights = er_pack_rows(plan, tensors->weights, shape->out_c, shape->groups)};
  if (!conv->weights) return er_plan_no_memory(plan);
  conv->depth = er_round_up((int32_t)(tensors->weights->count / shape->out_c), ER_DEPTH_STEP);
  const int32_t fitting = STRIP_BYTES / (int32_t)sizeof(int16_t) / conv->depth;
  conv->strip = fitting < 4 ? 4 : fitting > 64 ? 64 : fitting;
  conv->thread_bytes = (size_t)conv->strip * (size_t)conv->depth * sizeof(int16_t);
  return EDGERT_OK;
}

static void multiply(const er_conv_wide *conv, int32_t group, int32_t count, const int16_t *rows,
                     void *output, int64_t pixel) {
  const int32_t units = conv->shape.out_c / conv->shape.groups;
  const int64_t packed_units = er_round_up(units, ER_UNIT_STEP);
  const int16_t *weights = conv->weights + group * packed_units * conv->depth;
  const int64_t at = pixel * conv->shape.out_c + (int64_t)group * units;
  if (conv->linear.arithmetic == ER_S8_LINEAR) {
    const er_requant requant = er_requant_from(&conv->linear.requant, group * units);
    conv->gemm_s8(count, conv->depth, rows, weights, &requant, (uint8_t *)output + at,
                  conv->shape.out_c, 0, units);
  } else {
    const er_requant_wide requant = er_requant_wide_from(&conv->linear.wide, group * units);
    er_gemm_wide_s16(count, conv->depth, rows, weights, &requant, (int16_t *)output + at,
                     conv->shape.out_c, 0, units);
  }
}

void er_conv_wide_pixels(const er_conv_wide *conv, const void *input, void *output, int32_t first,
                         int32_t last, void *scratch) {
  for (int32_t pixel = first; pixel < last; pixel += conv->strip) {
    const int32_t count = last - pixel < conv->strip ? last - pixel : conv->strip;
    for (int32_t group = 0; group < conv->shape.groups; ++group) {
      er_im2col(&conv->shape, conv->linear.type, conv->linear.zero_point, input, group, conv->depth,
                pixel, pixel + count, scratch);
      multiply(conv, group, count, scratch, output, pixel);
    }
  }
}
