/* The geometry that kernels get: plain numbers, all proven by `prepare`, so kernels hold no checks.
 * Images are NHWC, row-major, without gaps. */
#ifndef ER_SHAPES_H
#define ER_SHAPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "edgert.h"

/* CONV_2D, DEPTHWISE_CONV_2D, TRANSPOSE_CONV and the pools. A "row" of work is one output line:
 * row r is line r % out_h of image r / out_h. */
typedef struct er_conv_shape {
  int32_t batch;
  int32_t in_h, in_w, in_c;    /* input  [batch, in_h, in_w, in_c] */
  int32_t out_h, out_w, out_c; /* output [batch, out_h, out_w, out_c] */
  int32_t filter_h, filter_w;
  int32_t filter_c; /* input channels that one output channel reads: in_c / groups */
  int32_t groups; /* CONV_2D: in_c / filter_c, output channel o is of group o / (out_c / groups) */
  int32_t stride_h, stride_w;
  int32_t dilation_h, dilation_w; /* 1: none */
  int32_t pad_top, pad_left;      /* what lies outside of the input is real 0.0 (pools: left out) */
  int32_t multiplier; /* DEPTHWISE_CONV_2D: out_c / in_c; output channel o reads channel o /
                         multiplier */
  bool turned; /* height and width have changed places: see er_turn_column */
} er_conv_shape;

/* FULLY_CONNECTED: output[r, u] = bias[u] + sum over d of input[r, d] * weights[u, d]. */
typedef struct er_fc_shape {
  int32_t rows;  /* batch */
  int32_t depth; /* input features */
  int32_t units; /* output features */
} er_fc_shape;

/* BATCH_MATMUL after broadcasting: product p multiplies matrix a_index[p] of A with b_index[p] of
 * B. */
typedef struct er_matmul_shape {
  int32_t batch; /* number of products */
  int32_t rows, depth, columns;
  bool a_transposed;      /* A holds [depth, rows] matrices instead of [rows, depth] */
  bool b_transposed;      /* B holds [columns, depth] matrices instead of [depth, columns] */
  const int32_t *a_index; /* [batch] */
  const int32_t *b_index; /* [batch] */
} er_matmul_shape;

/* A reduction; adjacent dimensions of one kind are already merged, unless their product is beyond
 * int32: nearly always kinds alternate. */
typedef struct er_reduce_shape {
  int32_t rank;
  int32_t dims[EDGERT_MAX_RANK];
  bool reduced[EDGERT_MAX_RANK];
  int64_t in_count;
  int64_t out_count;
  int64_t group; /* elements that go into one output: in_count / out_count */
} er_reduce_shape;

/* RESIZE_BILINEAR and RESIZE_NEAREST_NEIGHBOR: [batch, in_h, in_w, c] -> [batch, out_h, out_w, c].
 */
typedef struct er_resize_shape {
  int32_t batch, in_h, in_w, out_h, out_w, c;
  bool align_corners;
  bool half_pixel_centers;
} er_resize_shape;

/* PAD, PADV2, MIRROR_PAD. */
typedef struct er_pad_shape {
  int32_t rank;
  int32_t in[EDGERT_MAX_RANK];
  int32_t out[EDGERT_MAX_RANK];    /* before + in + after */
  int32_t before[EDGERT_MAX_RANK]; /* >= 0 */
} er_pad_shape;

typedef enum er_unary {
  ER_ABS,
  ER_CEIL,
  ER_COS,
  ER_ELU,
  ER_EXP,
  ER_FLOOR,
  ER_GELU,      /* x * normal cdf(x), by erf */
  ER_GELU_TANH, /* its tanh approximation */
  ER_HARD_SWISH,
  ER_LEAKY_RELU, /* alpha = slope for x < 0 */
  ER_LOG,
  ER_LOGISTIC,
  ER_NEG,
  ER_RELU,
  ER_RELU_0_TO_1,
  ER_RELU_N1_TO_1,
  ER_RELU6,
  ER_ROUND, /* half to even */
  ER_RSQRT,
  ER_SIGN,
  ER_SIN,
  ER_SQRT,
  ER_SQUARE,
  ER_TANH
} er_unary;

typedef enum er_binary {
  ER_ADD,
  ER_SUB,
  ER_MUL,
  ER_DIV,
  ER_MAXIMUM,
  ER_MINIMUM,
  ER_SQUARED_DIFFERENCE,
  ER_POW,
  ER_FLOOR_DIV,
  ER_FLOOR_MOD,
  ER_PRELU /* a >= 0 ? a : a * b */
} er_binary;

typedef enum er_reduce { ER_MEAN, ER_SUM, ER_REDUCE_MAX, ER_REDUCE_MIN, ER_REDUCE_PROD } er_reduce;

#endif
