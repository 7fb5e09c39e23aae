/* 3x3 convolutions by minimal filtering. int8: against the generic gemm on gathered patches, bit
 * for bit, over random sizes, zero points, ranges and extreme values, a few lines at a time.
 * float32: the transforms against the products of matrices that they stand for. */
#include <math.h>

#include "every_layer.h"
#include "kernels/winograd.h"
#include "ops/patch_lines.h"

enum { ROUNDS = 300, TAPS = 9 };

typedef struct layer {
  er_conv_shape shape;
  er_weights_s8 weights;
  int8_t *input, *values;
  int32_t *bias;
  float *scale;
} layer;

static size_t pixels_of(const layer *l) {
  return (size_t)(l->shape.batch * l->shape.out_h * l->shape.out_w);
}

static er_conv_shape random_shape(void) {
  er_conv_shape s = {.batch = random_from(1, 2), .groups = 1, .multiplier = 1};
  s.filter_h = s.filter_w = 3;
  s.stride_h = s.stride_w = s.dilation_h = s.dilation_w = 1;
  s.out_h = random_from(1, 13), s.out_w = random_from(1, 13);
  s.pad_top = random_from(0, 1), s.pad_left = random_from(0, 1);
  s.in_h = s.out_h + 2 - 2 * s.pad_top, s.in_w = s.out_w + 2 - 2 * s.pad_left;
  if (s.in_h < 1) s.in_h = 1; /* then more of it is padding */
  if (s.in_w < 1) s.in_w = 1;
  s.in_c = s.filter_c = random_from(1, 70), s.out_c = random_from(1, 40);
  return s;
}

static layer random_layer(void) {
  layer l = {.shape = random_shape()};
  const er_conv_shape *s = &l.shape;
  const size_t units = (size_t)s->out_c, depth = (size_t)(TAPS * s->in_c);
  const size_t in_count = (size_t)(s->batch * s->in_h * s->in_w * s->in_c);
  l.input = take(in_count, ER_OVERREAD);
  l.values = take(units * depth, 0);
  l.bias = take(units * sizeof *l.bias, 0);
  l.scale = take(units * sizeof *l.scale, 0);
  random_int8(l.input, in_count, -128, 127);
  const int32_t most = (1 << random_from(1, 7)) - 1;
  random_int8(l.values, units * depth, -most - random_from(0, 1), most);
  for (size_t u = 0; u < units; u++) {
    l.bias[u] = random_from(-200000, 200000);
    l.scale[u] = (float)random_from(1, 1000) / (float)((int32_t)depth * random_from(100, 20000));
  }
  if (random_from(0, 7) == 0) l.scale[0] = 1e7f;   /* beyond int32 */
  if (random_from(0, 7) == 0) l.scale[0] = 1e-12f; /* of a pruned channel */
  const int32_t low = random_from(-128, 127), zero_point = random_from(-128, 127);
  const er_range_s8 range = {zero_point, low, random_from(low, 127)};
  l.weights = (er_weights_s8){s->out_c, (int32_t)depth,         l.values, l.bias,
                              l.scale,  random_from(-128, 127), range};
  return l;
}

/* @param[out] output [pixels, out_c] */
static void by_gemm(const er_gemm_s8 *gemm, const layer *l, int8_t *output) {
  const er_weights_s8 *w = &l->weights;
  const int32_t rows = (int32_t)pixels_of(l);
  int8_t *patches = take((size_t)rows * (size_t)w->depth, ER_OVERREAD);
  void *packed = take(gemm->packed_bytes(w->units, w->depth), 0);
  gemm->pack(w, packed);
  er_im2col_s8(&l->shape, (int8_t)w->input_zero_point, l->input, 0, 0, rows, patches);
  gemm->run(&(er_gemm_s8_call){.rows = rows,
                               .depth = w->depth,
                               .units = w->units,
                               .input = patches,
                               .input_stride = w->depth,
                               .packed = packed,
                               .last = w->units,
                               .range = w->range,
                               .output = output,
                               .output_stride = w->units});
  free(patches), free(packed);
}

/* @param[out] output [pixels, stride] */
static void by_filtering(const er_winograd_s8 *tested, const layer *l, int64_t stride,
                         int8_t *output) {
  const er_conv_shape *s = &l->shape;
  const er_patch_lines lines = er_patch_lines_of(s, 1, (size_t)random_from(1, 9000));
  int8_t *padded = take(lines.thread_bytes, 0);
  void *packed = take(tested->packed_bytes(s->out_c, s->in_c), 0);
  void *scratch = take(tested->scratch_bytes(s->in_c), 0);
  tested->pack(&l->weights, packed);
  for (int32_t line = 0, rows; line < s->batch * s->out_h; line += rows) {
    const int32_t left = s->out_h - line % s->out_h;
    rows = left < lines.rows ? left : lines.rows;
    const int8_t zero_point = (int8_t)l->weights.input_zero_point;
    tested->run(&(er_winograd_s8_call){
        s, rows, er_patch_lines_get(&lines, zero_point, l->input, 0, line, rows, padded),
        lines.line_bytes, packed, l->weights.range, output + line * s->out_w * stride, stride,
        scratch});
  }
  free(padded), free(packed), free(scratch);
}

static void compare(const er_kernels *oracle, const er_kernels *kernels) {
  const er_winograd_s8 *tested = kernels->gemm_s8.winograd;
  if (!tested) return;
  const layer l = random_layer();
  const size_t pixels = pixels_of(&l), units = (size_t)l.shape.out_c;
  const size_t stride = units + (size_t)random_from(0, 3);
  int8_t *expected = take(pixels * units, 0), *actual = take(pixels * stride, 0);
  memset(actual, 77, pixels * stride);
  by_gemm(&oracle->gemm_s8, &l, expected);
  by_filtering(tested, &l, (int64_t)stride, actual);
  for (size_t p = 0; p < pixels; p++) {
    CHECK(memcmp(expected + p * units, actual + p * stride, units) == 0);
    for (size_t u = units; u < stride; u++) CHECK(actual[p * stride + u] == 77);
  }
  free(l.input), free(l.values), free(l.bias), free(l.scale), free(expected), free(actual);
}

/* ---- float32 --------------------------------------------------------------------------------- */

static const double to_patch[ER_PATCH][ER_PATCH] = {
    {1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, 1, 0, -1}};                    /* B' */
static const double to_output[ER_TILE][ER_PATCH] = {{1, 1, 1, 0}, {0, 1, -1, -1}}; /* A' */

/* (left m left')[y][x] of a matrix m, whose elements are `step` apart. */
static double transformed(const double *y, const double *x, const float *m, int64_t step) {
  double sum = 0;
  for (int32_t i = 0; i < ER_PATCH; i++) {
    for (int32_t j = 0; j < ER_PATCH; j++) {
      sum += y[i] * x[j] * (double)m[(i * ER_PATCH + j) * step];
    }
  }
  return sum;
}

/* Numbers below 2, so a sum of 16 is exact to some units of 2^-20. */
static bool is_near(float actual, double expected) {
  const double error = (double)actual - expected;
  return error < 1e-5 && error > -1e-5;
}

static void compare_patch(const er_kernels *oracle, const er_kernels *kernels) {
  enum { MOST = 50 };
  const int32_t channels = random_from(1, MOST);
  const int64_t position = channels + random_from(0, 20);
  float inputs[ER_POSITIONS * MOST], to[ER_POSITIONS * (MOST + 20)];
  random_float(inputs, sizeof inputs / sizeof *inputs);
  er_winograd_patch patch;
  for (int32_t i = 0; i < ER_PATCH; i++) {
    patch.lines[i] = inputs + (int64_t)i * ER_PATCH * channels;
    patch.columns[i] = (int64_t)i * channels;
  }
  (void)oracle;
  kernels->winograd_f32.patch(&patch, channels, position, to);
  for (int32_t i = 0; i < ER_POSITIONS; i++) {
    const double *y = to_patch[i / ER_PATCH], *x = to_patch[i % ER_PATCH];
    for (int32_t c = 0; c < channels; c++) {
      CHECK(is_near(to[i * position + c], transformed(y, x, inputs + c, channels)));
    }
  }
}

static void compare_outputs(const er_kernels *oracle, const er_kernels *kernels) {
  enum { MOST = 50 };
  const int32_t units = random_from(1, MOST);
  const float low = random_from(0, 1) ? -INFINITY : -1.0f;
  const float high = random_from(0, 1) ? INFINITY : 1.5f;
  float sums[ER_POSITIONS * MOST], outputs[ER_OUTPUTS][MOST];
  random_float(sums, sizeof sums / sizeof *sums);
  (void)oracle;
  kernels->winograd_f32.outputs(units, sums, units, low, high,
                                (float *[]){outputs[0], outputs[1], outputs[2], outputs[3]});
  for (int32_t i = 0; i < ER_OUTPUTS; i++) {
    const double *y = to_output[i / ER_TILE], *x = to_output[i % ER_TILE];
    for (int32_t u = 0; u < units; u++) {
      const double value = transformed(y, x, sums + u, units);
      const double bounded = value < (double)low ? (double)low : value;
      CHECK(is_near(outputs[i][u], bounded > (double)high ? (double)high : bounded));
    }
  }
}

int main(void) {
  on_every_layer(ROUNDS, compare_patch);
  on_every_layer(ROUNDS, compare_outputs);
  on_every_layer(ROUNDS, compare);
  return check_result();
}
