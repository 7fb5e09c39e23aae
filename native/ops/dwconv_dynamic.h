/* DEPTHWISE_CONV_2D of floats with integer weights, images quantized whole while running. */
#ifndef ER_OPS_DWCONV_DYNAMIC_H
#define ER_OPS_DWCONV_DYNAMIC_H

#include "dwconv_lines.h"
#include "dynamic.h"

/* The sums are whole numbers below 2^24, so the float kernel computes them exactly. */
typedef struct er_dwconv_dynamic {
  er_dwconv_lines lines; /* float32, weights are whole numbers */
  const float *scale;    /* [out_c] of the weights */
  er_bounds bounds;
} er_dwconv_dynamic;

enum { ER_DWCONV_DYNAMIC_MOST_TAPS = (1 << 24) / (255 * 128) };

edgert_status er_dwconv_dynamic_plan(er_plan *plan, const er_conv_shape *shape,
                                     const er_linear_tensors *tensors, const er_linear *linear,
                                     er_dwconv_dynamic *conv);
/** @return bytes of scratch for all threads */
size_t er_dwconv_dynamic_scratch(const er_dwconv_dynamic *conv, int32_t threads);
/** @param bias [out_c], or NULL */
void er_dwconv_dynamic_run(const er_run *run, const er_dwconv_dynamic *conv, const float *input,
                           const float *bias, float *output);

#endif
