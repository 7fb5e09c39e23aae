/* The float32 kernels of every instruction set of this machine against sums in double precision,
 * over random shapes and strides. The bound is the usual one of a sum in any order: depth roundings
 * of the sum of magnitudes. */
#include <math.h>
#include <stdio.h>

#include "check.h"
#include "kernels/float.h"
#include "kernels/kernels.h"
#include "random_numbers.h"

#define EPSILON 0x1p-23 /* of float32 */

enum { ROUNDS = 200 };

static float *random_floats(size_t count, size_t spare) {
  float *values = take(count * sizeof *values, spare);
  for (size_t i = 0; i < count; i++) values[i] = (float)random_from(-1000, 1000) / 500.0f;
  return values;
}

/* A sum as it should be, and how far a kernel may be from it. */
typedef struct exact {
  double sum, magnitude;
} exact;

static void add(exact *e, float a, float b) {
  e->sum += (double)a * b;
  e->magnitude += fabs((double)a * b);
}

static bool is_near(exact e, int32_t depth, float low, float high, float actual) {
  const double expected = fmin(fmax(e.sum, low), high);
  return fabs(expected - actual) <= (depth + 2) * EPSILON * (e.magnitude + 1);
}

static int compare_gemm(const er_gemm_f32 *tested) {
  const int32_t rows = random_from(1, 40), depth = random_from(1, 200), units = random_from(1, 90);
  const int64_t in_stride = depth + random_from(0, 1) * random_from(0, 9);
  const int64_t out_stride = units + random_from(0, 1) * random_from(0, 9);
  const bool biased = random_from(0, 3) != 0, bounded = random_from(0, 1) != 0;
  const bool turned = random_from(0, 2) == 0; /* values [depth, units] */
  const int64_t unit_step = turned ? 1 : depth, depth_step = turned ? units : 1;
  const size_t out_count = (size_t)((rows - 1) * out_stride + units);
  float *input = random_floats((size_t)((rows - 1) * in_stride + depth), ER_OVERREAD);
  float *values = random_floats((size_t)units * (size_t)depth, 0);
  float *bias = random_floats((size_t)units, 0), *output = malloc(out_count * sizeof *output);
  for (size_t i = 0; i < out_count; i++) output[i] = 77.0f;
  void *packed = take(er_packed_f32(tested, units, depth), 0);
  er_pack_f32(tested, units, depth, values, turned, biased ? bias : NULL, packed);
  er_gemm_f32_call call = {.rows = rows,
                           .depth = depth,
                           .units = units,
                           .input = input,
                           .input_stride = in_stride,
                           .packed = packed,
                           .low = bounded ? 0.0f : -INFINITY,
                           .high = bounded ? 6.0f : INFINITY,
                           .output = output,
                           .output_stride = out_stride};
  const int32_t steps = (units + tested->unit_step - 1) / tested->unit_step;
  const int32_t middle = random_from(0, steps) * tested->unit_step;
  call.last = middle < units ? middle : units;
  tested->run(&call);
  call.first = call.last, call.last = units;
  if (call.first < call.last) tested->run(&call);
  int same = 1;
  for (int32_t r = 0; r < rows; r++) {
    for (int32_t u = 0; u < units; u++) {
      exact e = {biased ? bias[u] : 0.0, biased ? fabs((double)bias[u]) : 0.0};
      for (int32_t d = 0; d < depth; d++) {
        add(&e, input[r * in_stride + d], values[u * unit_step + d * depth_step]);
      }
      same &= is_near(e, depth, call.low, call.high, output[r * out_stride + u]);
    }
    for (int64_t u = units; u < out_stride && r + 1 < rows; u++) {
      same &= output[r * out_stride + u] == 77.0f;
    }
  }
  if (!same) fprintf(stderr, "%s: rows %d, depth %d, units %d\n", tested->name, rows, depth, units);
  free(input), free(values), free(bias), free(output), free(packed);
  return same;
}

static er_conv_shape random_dwconv(void) {
  er_conv_shape s = {.batch = 1, .multiplier = 1, .filter_c = 1, .out_h = 1, .dilation_h = 1};
  s.out_c = s.in_c = s.groups = random_from(1, 70);
  s.filter_h = random_from(0, 2) ? 3 + 2 * random_from(0, 1) : random_from(1, 7);
  s.filter_w = random_from(0, 2) ? s.filter_h : random_from(1, 7);
  s.stride_w = s.stride_h = random_from(1, 2);
  s.dilation_w = random_from(0, 5) ? 1 : 2;
  s.out_w = random_from(1, 20);
  return s;
}

static exact one_output(const er_dwconv_f32_call *c, int32_t x, int32_t channel) {
  const er_conv_shape *s = c->shape;
  exact e = {c->bias ? c->bias[channel] : 0.0, c->bias ? fabs((double)c->bias[channel]) : 0.0};
  for (int32_t i = 0; i < s->filter_h; i++) {
    for (int32_t j = 0; j < s->filter_w; j++) {
      const int32_t column = x * s->stride_w + j * s->dilation_w;
      add(&e, c->lines[i][(int64_t)column * s->out_c + channel],
          c->weights[(int64_t)(i * s->filter_w + j) * s->out_c + channel]);
    }
  }
  return e;
}

static int compare_dwconv(const char *name, void (*tested)(const er_dwconv_f32_call *)) {
  const er_conv_shape s = random_dwconv();
  const int32_t taps = s.filter_h * s.filter_w;
  const int32_t line_w = (s.out_w - 1) * s.stride_w + (s.filter_w - 1) * s.dilation_w + 1;
  float *lines[7];
  for (int32_t i = 0; i < s.filter_h; i++) {
    lines[i] = random_floats((size_t)line_w * (size_t)s.out_c, ER_OVERREAD);
  }
  float *weights = random_floats((size_t)taps * (size_t)s.out_c, 0);
  float *bias = random_floats((size_t)s.out_c, 0);
  float *output = malloc((size_t)s.out_w * (size_t)s.out_c * sizeof *output);
  const bool bounded = random_from(0, 1) != 0;
  const er_dwconv_f32_call call = {&s,
                                   (const float *const *)lines,
                                   weights,
                                   random_from(0, 3) ? bias : NULL,
                                   bounded ? 0.0f : -INFINITY,
                                   bounded ? 6.0f : INFINITY,
                                   output};
  tested(&call);
  int same = 1;
  for (int32_t x = 0; x < s.out_w; x++) {
    for (int32_t c = 0; c < s.out_c; c++) {
      same &= is_near(one_output(&call, x, c), taps, call.low, call.high,
                      output[(int64_t)x * s.out_c + c]);
    }
  }
  if (!same) {
    fprintf(stderr, "%s: %dx%d stride %d, %d channels, width %d\n", name, s.filter_h, s.filter_w,
            s.stride_w, s.out_c, s.out_w);
  }
  for (int32_t i = 0; i < s.filter_h; i++) free(lines[i]);
  free(weights), free(bias), free(output);
  return same;
}

static int compare_fc(const er_kernels *k) {
  const er_fc_shape s = {random_from(1, 5), random_from(1, 300), random_from(1, 40)};
  const size_t rows = (size_t)s.rows, depth = (size_t)s.depth, units = (size_t)s.units;
  float *input = random_floats(rows * depth, ER_OVERREAD), *bias = random_floats(units, 0);
  float *random = random_floats(units * depth, 0);
  float *weights = malloc(units * depth * sizeof *weights); /* ends exactly, as a file may */
  memcpy(weights, random, units * depth * sizeof *weights);
  float *output = malloc(rows * units * sizeof *output);
  const float *used = random_from(0, 3) ? bias : NULL;
  k->fc_f32.run(&s, input, weights, used, -INFINITY, INFINITY, output, 0, s.units);
  int same = 1;
  for (int32_t r = 0; r < s.rows; r++) {
    for (int32_t u = 0; u < s.units; u++) {
      exact e = {used ? used[u] : 0.0, used ? fabs((double)used[u]) : 0.0};
      for (int32_t d = 0; d < s.depth; d++) {
        add(&e, input[r * s.depth + d], weights[u * s.depth + d]);
      }
      same &= is_near(e, s.depth, -INFINITY, INFINITY, output[r * s.units + u]);
    }
  }
  if (!same) fprintf(stderr, "%s: depth %d, units %d\n", k->fc_f32.name, s.depth, s.units);
  free(input), free(bias), free(random), free(weights), free(output);
  return same;
}

/* To the bit, NaN and zeros of both signs among the pixels. */
static int compare_pool(void (*oracle)(const er_pool_f32_call *),
                        void (*tested)(const er_pool_f32_call *)) {
  er_conv_shape s = {.batch = random_from(1, 2), .in_h = random_from(1, 9)};
  s.in_w = random_from(1, 9), s.in_c = s.out_c = random_from(1, 40);
  s.filter_h = random_from(1, 4), s.filter_w = random_from(1, 4);
  s.stride_h = random_from(1, 3), s.stride_w = random_from(1, 3);
  s.pad_top = random_from(0, s.filter_h - 1), s.pad_left = random_from(0, s.filter_w - 1);
  s.out_h = (s.in_h + s.pad_top - 1) / s.stride_h + 1;
  s.out_w = (s.in_w + s.pad_left - 1) / s.stride_w + 1;
  const float special[] = {NAN, INFINITY, -INFINITY, 0.0f, -0.0f};
  const size_t pixels = (size_t)(s.batch * s.in_h * s.in_w * s.in_c);
  const size_t results = (size_t)(s.batch * s.out_h * s.out_w * s.out_c);
  float *input = random_floats(pixels, 0);
  for (size_t i = 0; i < pixels; i += (size_t)random_from(1, 9)) {
    input[i] = special[random_from(0, 4)];
  }
  float *expected = take(results * sizeof(float), 0), *actual = take(results * sizeof(float), 0);
  er_pool_f32_call call = {
      &s,       input, -INFINITY,        INFINITY, random_from(0, 1) ? -INFINITY : -1.0f,
      expected, 0,     s.batch * s.out_h};
  if (random_from(0, 1)) call.low = 0.0f, call.high = 6.0f;
  oracle(&call);
  call.output = actual;
  tested(&call);
  int same = 1; /* any NaN is as good as another */
  for (size_t i = 0; i < results; i++) {
    const int both = isnan(expected[i]) && isnan(actual[i]);
    same = same && (both || memcmp(expected + i, actual + i, sizeof(float)) == 0);
  }
  free(input), free(expected), free(actual);
  return same;
}

int main(void) {
  const char *isa;
  for (int32_t i = 0; (isa = er_kernels_isa(i)) != NULL; i++) {
    printf("%s\n", isa);
    er_kernels kernels;
    CHECK(er_kernels_for(isa, &kernels));
    for (int32_t round = 0; round < ROUNDS && check_failures <= 10; round++) {
      random_state = (uint64_t)round + 1;
      CHECK(compare_gemm(&kernels.gemm_f32));
      CHECK(compare_dwconv(kernels.dwconv_f32.name, kernels.dwconv_f32.run));
      CHECK(compare_fc(&kernels));
      CHECK(compare_pool(er_max_pool_f32, kernels.max_pool_f32));
      CHECK(compare_pool(er_average_pool_f32, kernels.average_pool_f32));
    }
  }
  return check_result();
}
