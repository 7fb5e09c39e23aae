/* The shape of the fast linear kernels: int8 activations with int8 (or int4) weights of zero point
 * 0, and float32. Each instruction set brings its own, with its own packed form of the weights.
 *
 * Reading: a kernel may read up to ER_OVERREAD bytes behind the end of its inputs (all memory of a
 * session has that much room), but what it reads there must not change the result. It never writes
 * outside of its output. */
#ifndef ER_LINEAR_KERNELS_H
#define ER_LINEAR_KERNELS_H

#include "shapes.h"

#define ER_OVERREAD 64 /* bytes */

/* ---- int8 --------------------------------------------------------------------------------------
 */

/* From acc to stored integers: clamp(rint(float(acc) * scale) + zero_point). */
typedef struct er_range_s8 {
  int32_t zero_point; /* of the output, -128..127 */
  int32_t low, high;  /* -128 <= low <= high <= 127, after the fused activation */
} er_range_s8;

/* What a kernel packs. acc[u] = bias[u] + sum over d of (x[d] - input_zero_point) * values[u, d] is
 * proven to fit int32; parts of the sum may wrap. */
typedef struct er_weights_s8 {
  int32_t units;            /* output channels */
  int32_t depth;            /* products that one output sums */
  const int8_t *values;     /* gemm: [units, depth]; dwconv: [depth = filter_h * filter_w, units] */
  const int32_t *bias;      /* [units] */
  const float *scale;       /* [units] input * weight / output */
  int32_t input_zero_point; /* -128..127 */
  er_range_s8 range;        /* that all calls will give; of `sums` alone: not read */
} er_weights_s8;

/* What a row at an end of a line does not multiply of each segment. */
typedef struct er_edge_s8 {
  int32_t bytes;          /* a multiple of segment_step, less than a segment; 0: it lacks nothing */
  const int32_t *instead; /* [units] for such a row, in place of the call's */
} er_edge_s8;

typedef struct er_gemm_s8_call {
  int32_t rows, depth, units;
  const int8_t *input;  /* [rows][depth], a row every input_stride bytes */
  int64_t input_stride; /* >= depth, or anything when rows is 1 */
  /* Rows in several pieces, as patches of an image lie line by line; for kernels with a
   * segment_step. 0 or 1: in one. */
  int32_t segments;       /* of depth / segments bytes, a multiple of segment_step */
  int64_t segment_stride; /* bytes from one to the next */
  /* For kernels that `cut`: so many segments at either end are not multiplied. Rows start with the
   * first that is, and the sums of the others are given. */
  int32_t before, behind;
  const int32_t *instead; /* [units, rounded up to unit_step]; NULL: there are none */
  /* The same of where segments begin, in the first row of each line, and end, in the last row.
   * Rows start with left.bytes before `input`. Lines then are whole and have 2 * line_step rows or
   * more, and units are a multiple of unit_step. */
  er_edge_s8 left, right;
  /* For kernels with a line_step: `width` rows are a line, the next one starts line_stride bytes
   * on. 0: all rows are a line. */
  int32_t width;
  int64_t line_stride;
  const void *packed;  /* all units */
  int32_t first, last; /* the units to compute; first is a multiple of unit_step */
  er_range_s8 range;
  int8_t *output;        /* [rows][units]: unit u of row r at output[r * output_stride + u] */
  int64_t output_stride; /* >= units */
  /* What a later call reads, [ahead_bytes]: for kernels that fetch it meanwhile. */
  const char *ahead;
  int64_t ahead_bytes;
} er_gemm_s8_call;

typedef struct er_gemm_s8 {
  const char *name;     /* e.g. "gemm_s8_avx2" */
  int32_t unit_step;    /* threads share the units in multiples of this */
  int32_t row_step;     /* rows computed at once; a split at multiples of it wastes nothing */
  int32_t segment_step; /* 0: rows must lie in one piece */
  int32_t line_step;    /* rows of a line computed at once; 0: a call has one line */
  bool cuts;            /* parts of segments may be left out; a kernel that `pads` does not */
  bool pads;            /* depth costs so little that pieces may end in zeros */
  bool unpacks;         /* 4-bit weights, anew in each call: for few calls, with many weights */
  size_t (*packed_bytes)(int32_t units, int32_t depth);
  /** @param[out] packed 64-byte aligned, zeroed */
  void (*pack)(const er_weights_s8 *weights, void *packed);
  void (*run)(const er_gemm_s8_call *call);
  /** The plain sums, for whoever scales them otherwise: sums[r * sums_stride + u - first] = bias[u]
   * less the zero point's part + sum of products. `range`, `output` and the scales are not used.
   * NULL where a kernel has none: er_kernels.gemm_sums always has one.
   * @param sums [rows][last - first] */
  void (*sums)(const er_gemm_s8_call *call, int32_t *sums, int64_t sums_stride);
  const struct er_winograd_s8 *winograd; /* faster for 3x3 convolutions; NULL: there is none */
} er_gemm_s8;

/* A row of floats as int8: real = (q - zero_point) * scale. */
typedef struct er_row_quant {
  float scale;
  int32_t zero_point;
} er_row_quant;

/** A whole image likewise, by the rule of the operators that quantize images. */
er_row_quant er_quantize_image(int64_t count, const float *input, int8_t *output);

/* From sums of dynamically quantized rows to floats:
 * output[r, u] = clamp(fma((sums[r, u] - zero_point[r] * weight_sums[u]) * scale[r],
 * weight_scale[u], bias[u])), each product rounded to float32, fma rounded once. */
typedef struct er_scale_sums_call {
  int32_t rows, units;
  const int32_t *sums; /* [rows][units], a row every sums_stride */
  int64_t sums_stride;
  const er_row_quant *quant;  /* [rows] */
  const int32_t *weight_sums; /* [units] */
  const float *weight_scale;  /* [units] */
  const float *bias;          /* [units], or NULL */
  float low, high;
  float *output; /* [rows][units], a row every output_stride */
  int64_t output_stride;
} er_scale_sums_call;

typedef struct er_dwconv_s8_call {
  const er_conv_shape *shape; /* multiplier 1, in_c = out_c */
  int32_t rows;               /* output lines: 1, or 2 where the kernel says `pairs` */
  const int8_t *const *lines; /* [filter_h + rows - 1] input lines [line_w, out_c], padding
                                 included: line_w =
                                 (out_w - 1) * stride_w + (filter_w - 1) * dilation_w + 1 */
  const void *packed;
  er_range_s8 range;
  int8_t *output; /* [rows, out_w, out_c] */
  void *scratch;  /* scratch_bytes, 64-byte aligned */
} er_dwconv_s8_call;

typedef struct er_dwconv_s8 {
  const char *name;
  size_t (*packed_bytes)(const er_conv_shape *shape);
  void (*pack)(const er_conv_shape *shape, const er_weights_s8 *weights, void *packed);
  size_t (*scratch_bytes)(const er_conv_shape *shape); /* of one thread */
  /** Whether two output lines can be computed at once; only where each is one input line further
   * down than the one before. NULL: never. */
  bool (*pairs)(const er_conv_shape *shape);
  void (*run)(const er_dwconv_s8_call *call);
} er_dwconv_s8;

/* A product of one row with weights as they lie in the file, for operators that read each weight
 * once: nothing is packed. */
typedef struct er_gemv_s8_call {
  int32_t depth;
  const int8_t *input; /* [depth] */
  const void *values;  /* [units, depth], not aligned, nothing readable behind the end */
  const int32_t *bias; /* [units] less input_zero_point * sum of the unit's weights */
  const float *scale;  /* [units] */
  int32_t units;       /* to compute */
  er_range_s8 range;
  int8_t *output; /* [units] */
} er_gemv_s8_call;

#define ER_MOST_DEPTH_W4 65536
#define ER_DEPTH_STEP_W4 32

/* For weights of 8 bits; or of 4 bits, two a byte, the low nibble first: then depth is a multiple
 * of ER_DEPTH_STEP_W4 and at most ER_MOST_DEPTH_W4, and of the input those of even places come
 * before those of odd ones. */
typedef struct er_gemv_s8 {
  const char *name; /* NULL: there is none, use the gemm */
  void (*run)(const er_gemv_s8_call *call);
} er_gemv_s8;

/* Weights of 4 bits in blocks along the depth, each block with a scale of its own; rows are
 * quantized while running. With q the row, w the weights, in each row and unit: k = 0, then for
 * each block in order k = fma(sum of w, scale, k) a = -zero_point * k, then for each block in order
 * a = fma(sum of q * w, scale, a) output = clamp(a * row scale + bias) every step rounded to
 * float32. */
typedef struct er_weights_w4b {
  int32_t units, depth;
  int32_t block;         /* a multiple of ER_BLOCK_STEP that divides depth */
  const uint8_t *values; /* [units, depth] -8..7, two a byte, low nibble first */
  const float *scale;    /* [units, depth / block], of bfloat16 precision */
} er_weights_w4b;

#define ER_BLOCK_STEP 32

typedef struct er_gemm_w4b_call {
  int32_t rows, depth, block, units;
  const int8_t *input;       /* [rows, depth] */
  const er_row_quant *quant; /* [rows] */
  const int32_t *block_sums; /* [rows, depth / block] of the input */
  const void *packed;
  int32_t first, last; /* the units to compute; first is a multiple of unit_step */
  const float *bias;   /* [units], or NULL */
  float low, high;
  float *output; /* [rows, units] */
} er_gemm_w4b_call;

typedef struct er_gemm_w4b {
  const char *name;
  int32_t unit_step;
  size_t (*packed_bytes)(int32_t units, int32_t depth, int32_t block);
  /** @param[out] packed 64-byte aligned, zeroed */
  void (*pack)(const er_weights_w4b *weights, void *packed);
  void (*run)(const er_gemm_w4b_call *call);
} er_gemm_w4b;

/* ---- float32 -----------------------------------------------------------------------------------
 */

typedef struct er_gemm_f32_call {
  int32_t rows, depth, units;
  const float *input;   /* [rows][depth], a row every input_stride floats */
  int64_t input_stride; /* in floats, like all strides here */
  /* Patches where they lie in an image: `width` rows are a line, the next line starts line_stride
   * on; a row is `segments` pieces of depth / segments, segment_stride apart. 0: all rows are a
   * line, a row is one piece. */
  int32_t width, segments;
  int64_t line_stride, segment_stride;
  const void *packed;
  int32_t first, last; /* the units to compute; first is a multiple of unit_step */
  float low, high;     /* fused activation; -INFINITY and INFINITY: none */
  float *output;       /* unit u of row r at output[r * output_stride + u] */
  int64_t output_stride;
} er_gemm_f32_call;

typedef struct er_gemm_f32 {
  const char *name;
  int32_t unit_step;
  int32_t row_step;
  void (*run)(const er_gemm_f32_call *call);
} er_gemm_f32;

/* Weights of a float gemm, packed in panels of unit_step units: [bias, then depth][unit_step].
 * What a panel has too many is 0. */
static inline int64_t er_panel_f32(const er_gemm_f32 *gemm, int32_t depth) {
  return ((int64_t)depth + 1) * gemm->unit_step;
}
/** @return bytes of all panels. */
size_t er_packed_f32(const er_gemm_f32 *gemm, int32_t units, int32_t depth);
/** @param values [units, depth], or turned: [depth, units]  @param bias [units], or NULL
 * @param[out] packed 64-byte aligned */
void er_pack_f32(const er_gemm_f32 *gemm, int32_t units, int32_t depth, const float *values,
                 bool turned, const float *bias, void *packed);

typedef struct er_dwconv_f32_call {
  const er_conv_shape *shape; /* multiplier 1 */
  const float *const *lines;  /* [filter_h] of [line_w, out_c], padding included */
  const float *weights;       /* [filter_h * filter_w, out_c] */
  const float *bias;          /* [out_c], or NULL */
  float low, high;
  float *output; /* [out_w, out_c], one line */
} er_dwconv_f32_call;

#endif
