/* bench_kernels [LAYER]: times of kernels, the least of many short rounds, all layers in turn.
 * The length of a cycle is that of a dependent addition, the least of all that were timed between
 * the kernels. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "measure.h"

enum { ROUNDS = 150 };

static void report(const char *isa, const char *kernel, const char *where, const char *shape,
                   double macs, subject s) {
  const double cycle = nanoseconds_of_cycle(ROUNDS);
  double time;
  least_of_each(&s, 1, ROUNDS, &time);
  printf("%s,%s,%s,%s,%.0f,%.0f,%.2f,%.1f\n", isa, kernel, where, shape, macs, time,
         macs / (time / cycle), macs / time);
  fflush(stdout);
}

/* ---- gemm ------------------------------------------------------------------------------------ */

static void bench_gemm_s8(const char *isa, const er_gemm_s8 *gemm, const gemm_shape *s,
                          int32_t most) {
  gemm_s8_job job =
      gemm_s8_job_of(gemm, s->rows, s->depth, s->units, take_weights(s->units, s->depth, most));
  char shape[64];
  snprintf(shape, sizeof shape, "%dx%dx%d w%d", s->rows, s->depth, s->units, most);
  report(isa, gemm->name, s->where, shape, (double)s->rows * s->depth * s->units,
         gemm_s8_subject(&job));
  drop_gemm_s8_job(&job);
}

typedef struct gemm_f32_job {
  const er_gemm_f32 *gemm;
  er_gemm_f32_call call;
} gemm_f32_job;

static void run_gemm_f32(void *arg) {
  const gemm_f32_job *job = arg;
  job->gemm->run(&job->call);
}

static void bench_gemm_f32(const char *isa, const er_gemm_f32 *gemm, const gemm_shape *s) {
  const size_t rows = (size_t)s->rows, depth = (size_t)s->depth, units = (size_t)s->units;
  float *values = take_floats(units * depth, 0.01f), *bias = take_floats(units, 0.5f);
  float *input = take_floats(rows * depth, 1.0f), *output = take(rows * units * sizeof *output);
  void *packed = take(er_packed_f32(gemm, s->units, s->depth));
  er_pack_f32(gemm, s->units, s->depth, values, false, bias, packed);
  gemm_f32_job job = {gemm,
                      {.rows = s->rows,
                       .depth = s->depth,
                       .units = s->units,
                       .input = input,
                       .input_stride = s->depth,
                       .packed = packed,
                       .last = s->units,
                       .low = 0.0f,
                       .high = 6.0f,
                       .output = output,
                       .output_stride = s->units}};
  char shape[64];
  snprintf(shape, sizeof shape, "%dx%dx%d", s->rows, s->depth, s->units);
  report(isa, gemm->name, s->where, shape, (double)s->rows * s->depth * s->units,
         (subject){run_gemm_f32, &job});
  free(values), free(bias), free(input), free(output), free(packed);
}

/* ---- depthwise ------------------------------------------------------------------------------- */

enum { MOST_LINES = 7 };

static er_conv_shape conv_shape(const dwconv_shape *s) {
  return (er_conv_shape){.batch = 1,
                         .in_c = s->channels,
                         .out_c = s->channels,
                         .groups = s->channels,
                         .out_h = 1,
                         .out_w = s->out_w,
                         .filter_h = s->filter,
                         .filter_w = s->filter,
                         .filter_c = 1,
                         .stride_h = s->stride,
                         .stride_w = s->stride,
                         .dilation_h = 1,
                         .dilation_w = 1,
                         .multiplier = 1};
}

static size_t line_elements(const dwconv_shape *s) {
  return (size_t)((s->out_w - 1) * s->stride + s->filter) * (size_t)s->channels;
}

typedef struct dwconv_s8_job {
  const er_dwconv_s8 *kernel;
  er_dwconv_s8_call call;
} dwconv_s8_job;

static void run_dwconv_s8(void *arg) {
  const dwconv_s8_job *job = arg;
  job->kernel->run(&job->call);
}

static void bench_dwconv_s8(const char *isa, const er_dwconv_s8 *kernel, const dwconv_shape *s) {
  const er_conv_shape conv = conv_shape(s);
  const size_t channels = (size_t)s->channels, taps = (size_t)(s->filter * s->filter);
  int8_t *values = take_random(channels * taps, 127), *lines[MOST_LINES];
  for (int32_t i = 0; i < s->filter; i++) lines[i] = take_random(line_elements(s), 127);
  int32_t *bias = take(channels * sizeof *bias);
  float *scale = take_floats(channels, 0.001f);
  void *packed = take(kernel->packed_bytes(&conv)), *scratch = take(kernel->scratch_bytes(&conv));
  int8_t *output = take((size_t)s->out_w * channels);
  const er_range_s8 range = {0, -128, 127};
  kernel->pack(&conv,
               &(er_weights_s8){s->channels, (int32_t)taps, values, bias, scale, -128, range},
               packed);
  dwconv_s8_job job = {kernel,
                       {&conv, 1, (const int8_t *const *)lines, packed, range, output, scratch}};
  char shape[64];
  snprintf(shape, sizeof shape, "%dx%d s%d c%d w%d", s->filter, s->filter, s->stride, s->channels,
           s->out_w);
  report(isa, kernel->name, s->where, shape, (double)s->out_w * s->channels * s->filter * s->filter,
         (subject){run_dwconv_s8, &job});
  for (int32_t i = 0; i < s->filter; i++) free(lines[i]);
  free(values), free(bias), free(scale), free(packed), free(scratch), free(output);
}

typedef struct dwconv_f32_job {
  void (*run)(const er_dwconv_f32_call *call);
  er_dwconv_f32_call call;
} dwconv_f32_job;

static void run_dwconv_f32(void *arg) {
  const dwconv_f32_job *job = arg;
  job->run(&job->call);
}

static void bench_dwconv_f32(const char *isa, const er_kernels *kernels, const dwconv_shape *s) {
  const er_conv_shape conv = conv_shape(s);
  const size_t channels = (size_t)s->channels, taps = (size_t)(s->filter * s->filter);
  float *weights = take_floats(channels * taps, 0.1f), *lines[MOST_LINES];
  for (int32_t i = 0; i < s->filter; i++) lines[i] = take_floats(line_elements(s), 1.0f);
  float *output = take_floats((size_t)s->out_w * channels, 0.0f);
  dwconv_f32_job job = {kernels->dwconv_f32.run,
                        {&conv, (const float *const *)lines, weights, NULL, 0.0f, 6.0f, output}};
  char shape[64];
  snprintf(shape, sizeof shape, "%dx%d s%d c%d w%d", s->filter, s->filter, s->stride, s->channels,
           s->out_w);
  report(isa, kernels->dwconv_f32.name, s->where, shape,
         (double)s->out_w * s->channels * s->filter * s->filter, (subject){run_dwconv_f32, &job});
  for (int32_t i = 0; i < s->filter; i++) free(lines[i]);
  free(weights), free(output);
}

/* ---------------------------------------------------------------------------------------------- */

static void bench_layer(const char *isa) {
  er_kernels k;
  if (!er_kernels_for(isa, &k)) return;
  for (int32_t i = 0; i < gemm_shape_count; i++) {
    bench_gemm_s8(isa, &k.gemm_s8, &gemm_shapes[i], 127);
    bench_gemm_s8(isa, &k.gemm_s8, &gemm_shapes[i], 63);
    bench_gemm_s8(isa, &k.gemm_w4, &gemm_shapes[i], 7);
    bench_gemm_f32(isa, &k.gemm_f32, &gemm_shapes[i]);
  }
  for (int32_t i = 0; i < dwconv_shape_count; i++) {
    bench_dwconv_s8(isa, &k.dwconv_s8, &dwconv_shapes[i]);
    bench_dwconv_f32(isa, &k, &dwconv_shapes[i]);
  }
}

int main(int argc, char **argv) {
  printf("isa,kernel,layer,shape,macs,ns,mac_per_cycle,gmac_per_s\n");
  const char *isa;
  for (int32_t i = 0; (isa = er_kernels_isa(i)) != NULL; i++) {
    if (argc < 2 || strcmp(argv[1], isa) == 0) bench_layer(isa);
  }
  return 0;
}
