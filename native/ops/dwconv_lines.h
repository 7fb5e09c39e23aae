/* DEPTHWISE_CONV_2D line by line on the fast kernels, int8 and float32. */
#ifndef ER_OPS_DWCONV_LINES_H
#define ER_OPS_DWCONV_LINES_H

#include "wide_units.h"

typedef struct er_dwconv_lines {
  er_conv_shape shape;    /* as the operator sees it */
  er_conv_shape spread;   /* as the kernel sees it: multiplier 1 */
  const er_dwconv_s8 *s8; /* NULL: float32 */
  void (*f32)(const er_dwconv_f32_call *call);
  const void *packed;          /* s8 */
  int8_t zero_point;           /* s8: of the input */
  er_range_s8 range;           /* s8 */
  er_wide_units wide;          /* s8 */
  const float *weights, *bias; /* f32; NULL: given by the caller of each run */
  er_bounds bounds;            /* f32 */
  int32_t line_w;              /* pixels of a padded line */
  int32_t at_once;             /* output lines that the kernel computes together, 1 or 2 */
  bool direct;                 /* input lines serve as they are */
  size_t line_bytes;           /* of a padded line, with room for overreads */
  size_t thread_bytes;         /* scratch of one thread */
} er_dwconv_lines;

edgert_status er_dwconv_lines_plan(er_plan *plan, const er_conv_shape *shape,
                                   const er_linear_tensors *tensors, const er_linear *linear,
                                   er_dwconv_lines *conv);
/** Size the scratch anew, after the shape changed. */
void er_dwconv_lines_resize(er_dwconv_lines *conv);
/** Output lines [first, last) of batch * out_h.
 * @param scratch [thread_bytes], 64-byte aligned */
void er_dwconv_lines_run(const er_dwconv_lines *conv, const void *input, void *output,
                         int32_t first, int32_t last, void *scratch);
/** Output lines from lines that are padded already.
 * @param rows 1..at_once
 * @param lines [filter_h + rows - 1] of [line_w, out_c]
 * @param output [rows, out_w, out_c]
 * @param scratch the kernel's own: s8->scratch_bytes */
void er_dwconv_lines_compute(const er_dwconv_lines *conv, int32_t rows, const void *const *lines,
                             void *output, void *scratch);
/** @return bytes of an output line */
size_t er_dwconv_lines_row_bytes(const er_dwconv_lines *conv);

/** @return the form of a DEPTHWISE_CONV_2D on the fast kernels with constant weights, else NULL. */
const er_dwconv_lines *er_dwconv_lines_of(const er_node *node);
/** Let a prepared DEPTHWISE_CONV_2D pad by itself what a PAD node put around its input.
 * @return false when the node is none */
bool er_dwconv_repad(er_plan *plan, er_node *node, const er_pad_shape *pad);

#endif
