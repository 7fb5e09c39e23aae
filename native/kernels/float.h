/* The float32 kernels and those that move elements of any type; generic C in generic/, files named
 * _f32.
 *
 * `low` and `high` are the fused activation: -INFINITY and INFINITY where there is none. `first`
 * and `last` select the rows [first, last) that this thread computes; results do not depend on the
 * split. Inputs may hold NaN and infinities; no kernel reads or writes outside of its arrays for
 * any value. */
#ifndef ER_FLOAT_H
#define ER_FLOAT_H

#include "shapes.h"

/* --- linear ----------------------------------------------------------------------------------- */

/** TRANSPOSE_CONV: in_* is the small image, out_* the large one; input pixel (y, x) adds to output
 * pixels (y * stride_h - pad_top + i, x * stride_w - pad_left + j).
 * @param weights [out_c, filter_h, filter_w, in_c]  @param bias [out_c], or NULL
 * @param first,last images of batch */
void er_transpose_conv_f32(const er_conv_shape *shape, const float *input, const float *weights,
                           const float *bias, float low, float high, float *output, int32_t first,
                           int32_t last);

/** FULLY_CONNECTED with weights as they lie in the file.
 * @param input [rows, depth]  @param weights [units, depth]  @param bias [units], or NULL
 * @param output [rows, units]  @param first,last units */
void er_fc_f32(const er_fc_shape *shape, const float *input, const float *weights,
               const float *bias, float low, float high, float *output, int32_t first,
               int32_t last);

/** BATCH_MATMUL.
 * @param output [batch, rows, columns]  @param first,last products of batch */
void er_batch_matmul_f32(const er_matmul_shape *shape, const float *a, const float *b,
                         float *output, int32_t first, int32_t last);

/* --- pools, softmax, norms ----------------------------------------------------------------------
 */

typedef struct er_pool_f32_call {
  const er_conv_shape *shape; /* in_c = out_c */
  const float *input;
  float low, high;
  float border; /* MAX_POOL_2D: all that lies outside of the image; -INFINITY: left out */
  float *output;
  int32_t first, last; /* rows of batch * out_h */
} er_pool_f32_call;

/** AVERAGE_POOL_2D over the pixels that lie inside of the input. */
void er_average_pool_f32(const er_pool_f32_call *call);
/** MAX_POOL_2D, likewise. */
void er_max_pool_f32(const er_pool_f32_call *call);
/** L2_POOL_2D: the root of the mean square, likewise. */
void er_l2_pool_f32(const er_pool_f32_call *call);

/** SOFTMAX over the last dimension, or its logarithm; the maximum is subtracted first.
 * @param input [rows, depth]  @param output [rows, depth], may be the input */
void er_softmax_f32(bool logarithm, int64_t rows, int32_t depth, float beta, const float *input,
                    float *output);

/** L2_NORMALIZATION: x / sqrt(max(sum of x^2, 1e-12)) over the last dimension. */
void er_l2_normalization_f32(int64_t rows, int32_t depth, const float *input, float *output);

/* --- elementwise, reductions --------------------------------------------------------------------
 */

/** @param alpha LEAKY_RELU's slope, else unused  @param output [count], may be the input */
/* LayerNorm: (x - mean) / sqrt(variance + epsilon) * gain + shift along each row. */
typedef struct er_layer_norm {
  int32_t depth; /* of a row */
  float epsilon;
  const float *gain, *shift; /* [depth] */
} er_layer_norm;

/** @param input [rows, depth]  @param output [rows, depth], may be the input */
void er_layer_norm_f32(const er_layer_norm *norm, int64_t rows, const float *input, float *output);
void er_unary_f32(er_unary op, float alpha, int64_t count, const float *input, float *output);

/** One row of a broadcast binary operation: output[i] = op(a[i * a_step], b[i * b_step]), clamped.
 * The operator's own loop walks over the rows. ER_FLOOR_MOD has the sign of b.
 * @param a_step,b_step 0 (the same value all along) or 1
 * @param output [count], apart from both arguments */
void er_binary_f32(er_binary op, int32_t count, const float *a, int32_t a_step, const float *b,
                   int32_t b_step, float low, float high, float *output);

/** @param input [in_count] of shape->dims  @param output [out_count] */
void er_reduce_f32(er_reduce op, const er_reduce_shape *shape, const float *input, float *output);

/** RESIZE_BILINEAR. @param first,last rows of batch * out_h */
void er_resize_bilinear_f32(const er_resize_shape *shape, const float *input, float *output,
                            int32_t first, int32_t last);

/* --- by element size -----------------------------------------------------------------------------
 */

/** RESIZE_NEAREST_NEIGHBOR. @param element_bytes 1, 2, 4 or 8  @param first,last rows of batch *
 * out_h */
void er_resize_nearest(const er_resize_shape *shape, size_t element_bytes, const void *input,
                       void *output, int32_t first, int32_t last);

/** PAD, PADV2. @param value one element, what the border is filled with */
void er_pad(const er_pad_shape *shape, size_t element_bytes, const void *input, const void *value,
            void *output);
/** MIRROR_PAD. @param offset 1: REFLECT (the edge is not repeated), 0: SYMMETRIC */
void er_mirror_pad(const er_pad_shape *shape, size_t element_bytes, int32_t offset,
                   const void *input, void *output);

/** One input of CONCATENATION: `outer` blocks of in_bytes, each out_stride bytes after the last.
 * @param output where the first block goes */
void er_concat(int64_t outer, size_t in_bytes, size_t out_stride, const void *input, void *output);

#endif
