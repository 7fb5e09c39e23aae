/* The integer kernels. `er_kernels` holds those that exist per instruction set; the others have one
 * version in generic/. docs/NUMERICS.md says what each computes, to the bit.
 *
 * 8-bit results are written as bytes: for int8 and uint8 alike the low byte of the clamped integer.
 */
#ifndef ER_KERNELS_H
#define ER_KERNELS_H

#include "compare.h"
#include "linear_kernels.h"
#include "rounding.h"
#include "scan.h"
#include "winograd.h"

/* ---- per instruction set
 * ------------------------------------------------------------------------- */

struct er_add_s8;
struct er_copy;
struct er_fixed_binary;
struct er_layer_norm;
struct er_matmul_rule;
struct er_mul_s8;
struct er_pool_f32_call;
struct er_requant;
struct er_wide_units;

/** Bounds of a result; INT64_MIN and INT64_MAX: none. */
typedef struct er_wide_range {
  int64_t low, high;
} er_wide_range;

/** Two lines through a zero point: clamp((((x - in_zero) * m + 128) >> 8) + out_zero) to the type,
 * m = above for x >= in_zero, below else. */
typedef struct er_slopes {
  int32_t in_zero, out_zero;
  int32_t above, below; /* in 1 / 256; |.| < 2^15 */
} er_slopes;

/* The kernels that exist per instruction set. A session holds one table: the generic kernels,
 * overlaid with what each instruction set of the machine does better (kernels.c). */
typedef struct er_kernels {
  const char *isa; /* the last layer, e.g. "avx2" */
  er_gemm_s8 gemm_s8;
  er_gemm_s8 gemm_w4;   /* weights in -8..7; values are given as int8, packed two a byte */
  er_gemm_s8 gemm_sums; /* has `sums`; values of 8 or 4 bits */
  /** One row of floats to int8, its range taken from its least and largest value and 0.
   * @param input [count]  @param output [count] */
  er_row_quant (*quantize_row)(int64_t count, const float *input, int8_t *output);
  void (*scale_sums)(const er_scale_sums_call *call);
  er_gemm_w4b gemm_w4b;
  er_gemv_s8 gemv_s8, gemv_w4;
  er_dwconv_s8 dwconv_s8;
  er_gemm_f32 gemm_f32;
  er_winograd_f32 winograd_f32;
  struct {
    const char *name;
    void (*run)(const er_dwconv_f32_call *call);
  } dwconv_f32;
  struct {
    const char *name;
    void (*run)(const er_fc_shape *shape, const float *input, const float *weights,
                const float *bias, float low, float high, float *output, int32_t first,
                int32_t last);
  } fc_f32; /* weights as they lie in the file */

  void (*gemm_wide_s8)(int32_t count, int32_t depth, const int16_t *rows, const int16_t *weights,
                       const struct er_requant *requant, uint8_t *output, int64_t stride,
                       int32_t first, int32_t last);
  void (*dwconv_wide_s8)(const er_conv_shape *shape, const int16_t *lines, const int16_t *weights,
                         const struct er_requant *requant, uint8_t *output);
  void (*batch_matmul)(const er_matmul_shape *shape, const struct er_matmul_rule *rule,
                       const void *a, const void *b, void *output, int32_t product,
                       int16_t *scratch);
  void (*wide_units_rows)(const struct er_wide_units *wide, int32_t count, const int8_t *rows,
                          int32_t first, int32_t last, int8_t *output, int64_t stride);
  void (*wide_units_line)(const struct er_wide_units *wide, const er_conv_shape *shape,
                          const int8_t *const *lines, int8_t *output);
  void (*add_row_s8)(const struct er_add_s8 *add, bool is_unsigned, int32_t count, const void *a,
                     int32_t a_step, const void *b, int32_t b_step, uint8_t *output);
  void (*mul_row_s8)(const struct er_mul_s8 *mul, bool is_unsigned, int32_t count, const void *a,
                     int32_t a_step, const void *b, int32_t b_step, uint8_t *output);
  void (*fixed_binary_row)(const struct er_fixed_binary *binary, edgert_type type, int32_t count,
                           const void *a, int32_t a_step, const void *b, int32_t b_step,
                           void *output);
  void (*lookup)(const uint8_t *table, int64_t count, const uint8_t *input, uint8_t *output);
  /* NULL where `lookup` takes no more time. */
  void (*slopes)(const er_slopes *slopes, bool is_unsigned, int64_t count, const uint8_t *input,
                 uint8_t *output);
  void (*quantize)(edgert_type type, float inverse_scale, int32_t zero_point, int64_t count,
                   const float *input, void *output);
  void (*dequantize)(edgert_type type, float scale, int32_t zero_point, int64_t count,
                     const void *input, float *output);
  void (*sum)(const er_reduce_shape *shape, edgert_type type, const void *input, int64_t *sums);
  void (*average_pool)(const er_conv_shape *shape, edgert_type type, int32_t low, int32_t high,
                       const void *input, void *output, int32_t first, int32_t last);
  void (*max_pool)(const er_conv_shape *shape, edgert_type type, int32_t low, int32_t high,
                   const void *input, void *output, int32_t first, int32_t last);
  void (*softmax_s8)(int64_t rows, int32_t depth, const float *exponentials, float output_scale,
                     int32_t zero_point, bool is_unsigned, const void *input, uint8_t *output);
  void (*resize_bilinear)(const er_resize_shape *shape, edgert_type type, const void *input,
                          void *output, int32_t first, int32_t last);
  void (*max_pool_f32)(const struct er_pool_f32_call *call);
  void (*softmax_f32)(bool logarithm, int64_t rows, int32_t depth, float beta, const float *input,
                      float *output);
  void (*layer_norm_f32)(const struct er_layer_norm *norm, int64_t rows, const float *input,
                         float *output);
  void (*unary_f32)(er_unary op, float alpha, int64_t count, const float *input, float *output);
  void (*binary_f32)(er_binary op, int32_t count, const float *a, int32_t a_step, const float *b,
                     int32_t b_step, float low, float high, float *output);
  void (*reduce_f32)(er_reduce op, const er_reduce_shape *shape, const float *input, float *output);
  void (*extreme)(const er_reduce_shape *shape, edgert_type type, bool largest, const void *input,
                  void *output);
  bool (*integer_binary_row)(er_binary op, edgert_type type, er_wide_range range, int32_t count,
                             const void *a, int32_t a_step, const void *b, int32_t b_step,
                             void *output);
  er_compare_row (*compare_for)(er_comparison op, edgert_type type);
  void (*select)(int32_t count, int64_t element_bytes, const uint8_t *choice, int64_t choice_step,
                 const void *a, int64_t a_step, const void *b, int64_t b_step, void *output);
  void (*copy_strided)(const struct er_copy *copy, int64_t first, int64_t last, void *out,
                       const void *in);
  void (*cast)(int64_t count, edgert_type from, const void *input, edgert_type to, void *output);
  er_arg_extreme (*arg_extreme_for)(edgert_type type);
  void (*average_pool_f32)(const struct er_pool_f32_call *call);
} er_kernels;

/** Fill `kernels` with the best for this machine, up to and with the layer `isa`.
 * @param isa e.g. "generic", "avx2", "neon"; NULL or "": the best
 * @return false when there is no such layer in this build or on this machine */
bool er_kernels_for(const char *isa, er_kernels *kernels);
/** @return the name of layer i that this machine can run, from generic up; NULL beyond the last. */
const char *er_kernels_isa(int32_t i);

/** bias[unit] - input_zero_point * sum of the unit's weights, which start at values[first] and lie
 * `step` apart: what remains is a plain sum of products. Wraps. */
int32_t er_bias_less_zero_point(const er_weights_s8 *weights, int32_t unit, int64_t first,
                                int64_t step);

/* ---- linear with int16 rows ---------------------------------------------------------------------
 * For int16 activations, and 8-bit ones whose type or weights have zero points that the fast
 * kernels do not know. Rows and weights are widened to int16 less their zero points. */

#define ER_DEPTH_STEP 8 /* rows are padded to a multiple of this many elements */
#define ER_UNIT_STEP 2  /* and the number of units (output channels) to a multiple of this */

/** From accumulators to stored integers. */
typedef struct er_requant {
  const float *scale;  /* [units] in * weight / out */
  const int32_t *bias; /* [units] */
  int32_t zero_point;  /* of the output */
  int32_t low, high;   /* stored range after the fused activation */
} er_requant;

/** The same for int16 activations. */
typedef struct er_requant_wide {
  const int32_t *multiplier; /* [units] */
  const int32_t *exponent;   /* [units] */
  const int64_t *bias;       /* [units] */
  int32_t low, high;         /* stored range after the fused activation; the zero point is 0 */
} er_requant_wide;

/** output[r, u] = requant(bias[u] + sum over d of rows[r, d] * weights[u, d]) for units [first,
 * last).
 * @param depth padded to ER_DEPTH_STEP
 * @param rows [count, depth] inputs less their zero point
 * @param weights [units padded to ER_UNIT_STEP, depth] less their zero points
 * @param output [count, stride]; unit u goes to column u - first
 * @param first,last first is a multiple of ER_UNIT_STEP */
void er_gemm_wide_s8(int32_t count, int32_t depth, const int16_t *rows, const int16_t *weights,
                     const er_requant *requant, uint8_t *output, int64_t stride, int32_t first,
                     int32_t last);
void er_gemm_wide_s16(int32_t count, int32_t depth, const int16_t *rows, const int16_t *weights,
                      const er_requant_wide *requant, int16_t *output, int64_t stride,
                      int32_t first, int32_t last);

/** One output line of a depthwise convolution.
 * @param lines [filter_h][line_w, out_c] input lines less their zero point, spread by the
 *   multiplier and padded with zeros: line_w = (out_w - 1) * stride_w + (filter_w - 1) *
 *   dilation_w + 1
 * @param weights [filter_h * filter_w, out_c] less their zero points
 * @param output [out_w, out_c] */
void er_dwconv_wide_s8(const er_conv_shape *shape, const int16_t *lines, const int16_t *weights,
                       const er_requant *requant, uint8_t *output);
void er_dwconv_wide_s16(const er_conv_shape *shape, const int16_t *lines, const int16_t *weights,
                        const er_requant_wide *requant, int16_t *output);

/* --- before them: to int16, less the zero point -----------------------------------
 */

/** @param type INT8, UINT8 or INT16  @param input [count] from element `at` on  @param output
 * [count] */
void er_widen(edgert_type type, const void *input, int64_t at, int64_t count, int32_t zero_point,
              int16_t *output);

/** The same for int8 rows of the fast kernels: nothing is padded, what lies outside of the image is
 * the zero point.
 * @param rows [last - first, filter_h * filter_w * filter_c] */
void er_im2col_s8(const er_conv_shape *shape, int8_t zero_point, const int8_t *input, int32_t group,
                  int32_t first, int32_t last, int8_t *rows);
void er_im2col_f32(const er_conv_shape *shape, const float *input, int32_t group, int32_t first,
                   int32_t last, float *rows);

/* Where the patches of a convolution lie in padded lines of its input. All strides are in bytes. */
typedef struct er_patch_gather {
  int32_t pieces;       /* of a patch: one in each of as many lines */
  int32_t width;        /* patches in an output line */
  int64_t bytes;        /* of a piece */
  int64_t piece_stride; /* from line to line */
  int64_t patch_stride; /* from patch to patch in a line */
  int64_t line_stride;  /* from the patches of an output line to those of the next */
} er_patch_gather;
/** Patches one after the other.
 * @param lines under the first output line; up to ER_OVERREAD bytes behind them are read
 * @param first patch in that line
 * @param[out] rows [count, pieces * bytes]; up to ER_OVERREAD bytes behind them are written too */
void er_gather_patches(const er_patch_gather *gather, const void *lines, int32_t first,
                       int32_t count, void *rows);

/* A line of an image and what lies beside it. All in bytes. */
typedef struct er_padded_line {
  int64_t left, inside, right;
  int64_t pitch; /* from line to line of the image */
} er_padded_line;
/** Lines of an image, padded.
 * @param count of lines; 0: nothing is written
 * @param outside the byte that lies beside
 * @param input [count] lines; up to ER_OVERREAD bytes behind them are read
 * @param[out] lines [count, left + inside + right]; up to ER_OVERREAD bytes behind them are written
 *   too */
void er_pad_lines(const er_padded_line *line, int8_t outside, int32_t count, const void *input,
                  void *lines);

/** The inside of a padded input line of a depthwise convolution, channels spread by the multiplier.
 * @param input [in_w, in_c] elements of `bytes` bytes (1 or 4)
 * @param line [pad_left + in_w or more, out_c] */
void er_dwconv_inside(const er_conv_shape *shape, int32_t bytes, const void *input, void *line);

/** Rows of a convolution as a matrix: row p is what output pixel `first + p` of group `group`
 * reads.
 * @param depth filter_h * filter_w * filter_c, padded to ER_DEPTH_STEP; the rest is zeroed
 * @param first,last pixels of batch * out_h * out_w
 * @param rows [last - first, depth] */
void er_im2col(const er_conv_shape *shape, edgert_type type, int32_t zero_point, const void *input,
               int32_t group, int32_t depth, int32_t first, int32_t last, int16_t *rows);

/** The `lines` of dwconv for output line `row` of batch * out_h. */
void er_dwconv_lines_int16(const er_conv_shape *shape, edgert_type type, int32_t zero_point,
                           const void *input, int32_t row, int16_t *lines);

/** Sums of one output line of TRANSPOSE_CONV (in_* is the small image), without the bias.
 * @param weights [out_c, filter_h, filter_w, in_c] less their zero points
 * @param row of batch * out_h
 * @param line [in_w, in_c] scratch
 * @param[out] sums [out_w, out_c] */
void er_transpose_conv_sums(const er_conv_shape *shape, edgert_type type, int32_t zero_point,
                            const void *input, const int16_t *weights, int32_t row, int16_t *line,
                            int64_t *sums);

/** BATCH_MATMUL of integers: clamp(mulfix(sum, scale) + out_zero). */
typedef struct er_matmul_rule {
  edgert_type type; /* of both inputs and the output: INT8, UINT8 or INT16 */
  int32_t a_zero, b_zero;
  er_fixed scale;
  int32_t out_zero, low, high;
} er_matmul_rule;
#define ER_MATMUL_COLUMNS 32 /* of a panel that a kernel may make of the right matrix */
/** @return elements of scratch that one product needs: both matrices as int16, at least a panel of
 * the right one, and what a kernel knows of rows and columns beside them. */
static inline size_t er_matmul_scratch(const er_matmul_shape *shape) {
  const size_t pitch = ((size_t)shape->depth + 3) / 4 * 4, rows = (size_t)shape->rows;
  const int32_t columns = shape->columns < ER_MATMUL_COLUMNS ? ER_MATMUL_COLUMNS : shape->columns;
  return (rows + (size_t)columns) * pitch + 2 * rows + 512;
}
/** One product.
 * @param scratch [er_matmul_scratch(shape)] */
void er_batch_matmul(const er_matmul_shape *shape, const er_matmul_rule *rule, const void *a,
                     const void *b, void *output, int32_t product, int16_t *scratch);

/* --- after them
 * ----------------------------------------------------------------------------------- */

/** output[u] = clamp(rint(sums[u] * scale[u]) + zero_point); the bias is in sums already. */
void er_requantize(int32_t count, const int32_t *sums, const float *scale, int32_t zero_point,
                   int32_t low, int32_t high, uint8_t *output);

/* --- elementwise, on one row of a broadcast
 * --------------------------------------------------------- a_step and b_step are 0 (the same value
 * all along) or 1. */

/** ADD and SUB of 8-bit integers in fixed point. */
typedef struct er_add_s8 {
  int32_t a_zero, b_zero;
  int32_t a_multiplier,
      b_multiplier;              /* ratio to the output's scale * 2^shift; b's is < 0 for SUB */
  int32_t shift;                 /* 1..62 */
  int32_t zero_point, low, high; /* of the output */
} er_add_s8;
/** @param is_unsigned whether the stored integers are uint8 */
void er_add_row_s8(const er_add_s8 *add, bool is_unsigned, int32_t count, const void *a,
                   int32_t a_step, const void *b, int32_t b_step, uint8_t *output);

typedef struct er_mul_s8 {
  int32_t a_zero, b_zero;
  float scale; /* a * b / output */
  int32_t zero_point, low, high;
} er_mul_s8;
void er_mul_row_s8(const er_mul_s8 *mul, bool is_unsigned, int32_t count, const void *a,
                   int32_t a_step, const void *b, int32_t b_step, uint8_t *output);

/** The operations that LiteRT does with 31-bit multipliers, on int8, uint8 and int16. Either input
 * is shifted left and scaled before the operation, the result after it. */
typedef struct er_fixed_binary {
  er_binary op; /* ADD, SUB, MUL, SQUARED_DIFFERENCE, PRELU */
  int32_t a_zero, b_zero;
  int32_t left_shift;
  er_fixed a_scale, b_scale, scale; /* PRELU: a_scale for a >= 0, scale for a * b */
  int32_t zero_point, low, high;
} er_fixed_binary;
/** @param type INT8, UINT8 or INT16, of all three */
void er_fixed_binary_row(const er_fixed_binary *binary, edgert_type type, int32_t count,
                         const void *a, int32_t a_step, const void *b, int32_t b_step,
                         void *output);

/** ADD, SUB, MUL, DIV, MAXIMUM, MINIMUM, SQUARED_DIFFERENCE, POW, FLOOR_DIV, FLOOR_MOD on integers
 * that are numbers themselves; overflow wraps. MAXIMUM and MINIMUM also serve quantized integers.
 * @param type INT8, UINT8, INT16, INT32 or INT64
 * @return false when a divisor is 0 or the exponent of POW negative */
bool er_integer_binary_row(er_binary op, edgert_type type, er_wide_range range, int32_t count,
                           const void *a, int32_t a_step, const void *b, int32_t b_step,
                           void *output);

/** output[i] = table[input[i]], the input read as an unsigned byte. @param table [256] */
void er_lookup(const uint8_t *table, int64_t count, const uint8_t *input, uint8_t *output);

/** @return op(value) in double precision, the function behind tables. */
double er_unary_real(er_unary op, double alpha, double value);

/* --- quantize
 * ------------------------------------------------------------------------------------- */

/** output = clamp(rint(input * inverse_scale) + zero_point); NaN gives the zero point.
 * @param type INT8, UINT8 or INT16 */
void er_quantize(edgert_type type, float inverse_scale, int32_t zero_point, int64_t count,
                 const float *input, void *output);
/** output = (input - zero_point) * scale. @param type INT8, UINT8, INT16 or INT32 */
void er_dequantize(edgert_type type, float scale, int32_t zero_point, int64_t count,
                   const void *input, float *output);
/** output = clamp(mulfix(input - in_zero, scale) + out_zero).
 * @param in,out INT8, UINT8, INT16 or INT32 */
void er_rescale(edgert_type in, edgert_type out, int32_t in_zero, er_fixed scale, int32_t out_zero,
                int64_t count, const void *input, void *output);
/** output[i] = float of the half-precision input[i]. */
void er_half_to_float(int64_t count, const uint16_t *input, float *output);

/* --- pools, reductions, softmax, resize
 * --------------------------------------------------------------- */

/** Means of the stored integers inside of the window, ties away from zero.
 * @param type INT8, UINT8 or INT16  @param first,last rows of batch * out_h */
void er_average_pool(const er_conv_shape *shape, edgert_type type, int32_t low, int32_t high,
                     const void *input, void *output, int32_t first, int32_t last);
void er_max_pool(const er_conv_shape *shape, edgert_type type, int32_t low, int32_t high,
                 const void *input, void *output, int32_t first, int32_t last);

/** Sums of stored integers, exact. @param sums [out_count] */
void er_sum(const er_reduce_shape *shape, edgert_type type, const void *input, int64_t *sums);
/** Largest (or smallest) of integers that keep their scale. @param output [out_count] of the same
 * type */
void er_extreme(const er_reduce_shape *shape, edgert_type type, bool largest, const void *input,
                void *output);

/** SOFTMAX of 8-bit integers by a table of exponentials.
 * @param exponentials [256] exp(-scale * beta * d)  @param input [rows, depth] */
void er_softmax_s8(int64_t rows, int32_t depth, const float *exponentials, float output_scale,
                   int32_t zero_point, bool is_unsigned, const void *input, uint8_t *output);

/** LOG_SOFTMAX likewise. @param exponentials [256] exp(-input_scale * d) */
void er_log_softmax_s8(int64_t rows, int32_t depth, const float *exponentials, float input_scale,
                       float output_scale, int32_t zero_point, bool is_unsigned, const void *input,
                       uint8_t *output);

/** Rules on real numbers: the exact result, rounded once (ties to even) to the output's scale. */
typedef struct er_real_rows {
  edgert_type type; /* of input and output: INT8, UINT8 or INT16 */
  double in_scale;
  int32_t in_zero;
  double out_scale;
  int32_t out_zero, low, high;
} er_real_rows;
/** @param input,output [rows, depth], may be one array */
void er_log_softmax_s16(const er_real_rows *rule, int64_t rows, int32_t depth, const void *input,
                        void *output);
void er_l2_normalization_integer(const er_real_rows *rule, int64_t rows, int32_t depth,
                                 const void *input, void *output);

/** RESIZE_BILINEAR. @param type INT8, UINT8 or INT16  @param first,last rows of batch * out_h */
void er_resize_bilinear(const er_resize_shape *shape, edgert_type type, const void *input,
                        void *output, int32_t first, int32_t last);

#endif
