/* CONV_2D in its arithmetics. Each form is planned once and then computes any range of output
 * pixels, so that the operator itself and fused groups can share it. */
#ifndef ER_OPS_CONV_H
#define ER_OPS_CONV_H

#include "dynamic.h"
#include "kernels/winograd.h"
#include "patch_rows.h"
#include "wide_units.h"

/* int8 (fast kernels) and float32: a gemm whose rows are the input itself (1x1) or patches gathered
 * strip by strip. */
typedef struct er_conv_gemm {
  er_conv_shape shape;
  const er_gemm_s8 *s8;                /* one of these two */
  const er_gemm_f32 *f32;              /* */
  const er_winograd_s8 *winograd_s8;   /* one of these computes it instead of the gemm, or */
  const er_winograd_f32 *winograd_f32; /* with products of the gemm, or none does */
  const char *packed;                  /* [groups][group_bytes] */
  size_t group_bytes;
  int32_t depth;      /* of a patch */
  int32_t piece;      /* of the weights for a line of a patch: longer than it, they end in zeros */
  bool direct;        /* rows are input pixels */
  bool in_place;      /* rows lie in pieces, see patch_lines.h */
  int32_t strip;      /* pixels gathered at once */
  er_patch_rows rows; /* that gathers them, unless `direct` or `in_place` */
  er_patch_lines lines;    /* where they lie, if `in_place` */
  int64_t pixel_step;      /* elements from an output pixel to the next: out_c or more */
  size_t thread_bytes;     /* scratch of one thread */
  int8_t zero_point;       /* s8: of the input */
  const int32_t *cut_sums; /* see conv_cut.h; NULL: nothing is left out */
  bool bare;               /* nor need lines of the image be copied for padding */
  er_range_s8 range;       /* s8 */
  er_wide_units wide;      /* s8 */
  er_bounds bounds;        /* f32 */
} er_conv_gemm;

edgert_status er_conv_gemm_plan(er_plan *plan, const er_conv_shape *shape,
                                const er_linear_tensors *tensors, const er_linear *linear,
                                er_conv_gemm *conv);
/** The same for a CONV_2D, whose neighbouring pixels may become output channels: then the shape in
 * `conv` is not the operator's. */
edgert_status er_conv_neighbours_plan(er_plan *plan, const er_conv_shape *shape,
                                      const er_linear_tensors *tensors, const er_linear *linear,
                                      er_conv_gemm *conv);
/** Output pixels [first, last) of batch * out_h * out_w.
 * @param output [last - first, out_c], pixels pixel_step apart
 * @param scratch [thread_bytes], 64-byte aligned */
void er_conv_gemm_pixels(const er_conv_gemm *conv, const void *input, int32_t first, int32_t last,
                         void *output, void *scratch);
/** Any rows, for a convolution whose rows are input pixels (`direct`).
 * @param rows [count, depth]  @param output [count, out_c] */
void er_conv_gemm_rows(const er_conv_gemm *conv, int32_t count, const void *rows, void *output);
/** Output channels [first, last) of the first `count` pixels, for a direct convolution.
 * @param first a multiple of the unit step  @param output [count, out_c] */
void er_conv_gemm_units(const er_conv_gemm *conv, int32_t count, const void *rows, int32_t first,
                        int32_t last, void *output);
/** @return output channels that the kernel computes at once */
int32_t er_conv_gemm_unit_step(const er_conv_gemm *conv);
/** Choose strips and scratch anew, after the shape changed. */
void er_conv_gemm_resize(er_conv_gemm *conv);
/** @return rows that the kernel computes at once */
int32_t er_conv_gemm_row_step(const er_conv_gemm *conv);
/** @return of the kernel that computes it */
const char *er_conv_gemm_kernel(const er_conv_gemm *conv);
/** @return bytes of an activation: 1 or 4 */
size_t er_conv_gemm_element_bytes(const er_conv_gemm *conv);

/* 8-bit activations beyond the fast kernels, and int16 ones: rows widened to int16. */
typedef struct er_conv_wide {
  er_conv_shape shape;
  er_linear linear;
  const int16_t *weights;
  void (*gemm_s8)(int32_t count, int32_t depth, const int16_t *rows, const int16_t *weights,
                  const er_requant *requant, uint8_t *output, int64_t stride, int32_t first,
                  int32_t last);
  int32_t depth; /* of a patch, padded */
  int32_t strip;
  size_t thread_bytes;
} er_conv_wide;

edgert_status er_conv_wide_plan(er_plan *plan, const er_conv_shape *shape,
                                const er_linear_tensors *tensors, const er_linear *linear,
                                er_conv_wide *conv);
void er_conv_wide_pixels(const er_conv_wide *conv, const void *input, void *output, int32_t first,
                         int32_t last, void *scratch);

/* Float activations with integer weights. */
typedef struct er_conv_dynamic {
  er_conv_shape shape;
  er_dynamic dynamic;
  bool direct; /* rows are input pixels, quantized one by one */
} er_conv_dynamic;

edgert_status er_conv_dynamic_plan(er_plan *plan, const er_conv_shape *shape,
                                   const er_linear_tensors *tensors, const er_linear *linear,
                                   er_conv_dynamic *conv);
/** @return bytes of scratch for all threads */
size_t er_conv_dynamic_scratch(const er_conv_dynamic *conv, int32_t threads);
/** @param bias [out_c], or NULL */
void er_conv_dynamic_run(const er_run *run, const er_conv_dynamic *conv, const float *input,
                         const float *bias, float *output);

/** Let a node compute this convolution: what another operator comes down to.
 * @param inputs [2] numbers of the image and the weights, as long as the session lives */
edgert_status er_conv_become(er_plan *plan, er_node *node, const int32_t *inputs,
                             const er_conv_gemm *gemm);

/** @return whether the rows of the product are the input's pixels. */
bool er_is_pointwise(const er_conv_shape *shape);

/* ---- for fused groups ------------------------------------------------------------------------ */

/** @return the form of a convolution on the fast kernels, else NULL. */
const er_conv_gemm *er_conv_gemm_of(const er_node *node);
/** Let a prepared convolution pad by itself what a PAD node put around its input.
 * @return false when the node is no convolution */
bool er_conv_repad(er_plan *plan, er_node *node, const er_pad_shape *pad);

#endif
