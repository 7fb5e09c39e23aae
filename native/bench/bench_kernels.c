/* bench_kernels [LAYER]: times of kernels, the least of many short rounds, all layers in turn.
 * The length of a cycle is that of a dependent addition, the least of all that were timed between
 * the kernels. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"

enum { ROUNDS = 150, ROUND_NANOSECONDS = 200000, CHAIN = 100000 };

typedef struct subject {
  void (*run)(void *arg);
  void *arg;
} subject;

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void add_chain(void *arg) {
  uint64_t sum = 0;
  for (int32_t i = 0; i < CHAIN; i++) {
    sum += (uint64_t)i;
    __asm__ volatile("" : "+r"(sum)); /* keeps the chain */
  }
  *(uint64_t *)arg = sum;
}

static double nanoseconds(subject s, int32_t times) {
  const int64_t start = now();
  for (int32_t i = 0; i < times; i++) s.run(s.arg);
  return (double)(now() - start) / times;
}

static double least(subject s) {
  double best = nanoseconds(s, 1);
  const double fitting = ROUND_NANOSECONDS / (best > 1 ? best : 1);
  const int32_t times = fitting < 1 ? 1 : fitting > 1e6 ? 1000000 : (int32_t)fitting;
  for (int32_t round = 0; round < ROUNDS; round++) {
    const double time = nanoseconds(s, times);
    best = time < best ? time : best;
  }
  return best;
}

static double nanoseconds_of_cycle(void) {
  static double best = 1e9;
  uint64_t result;
  const double time = least((subject){add_chain, &result}) / CHAIN;
  best = time < best ? time : best;
  return best;
}

static void *take(size_t bytes) {
  const size_t rounded = (bytes + 2 * ER_OVERREAD + 63) / 64 * 64;
  void *memory = aligned_alloc(64, rounded);
  if (!memory) exit(EXIT_FAILURE);
  memset(memory, 0, rounded);
  return memory;
}

static void *take_random(size_t bytes, int32_t most) {
  int8_t *memory = take(bytes);
  uint32_t state = 1;
  for (size_t i = 0; i < bytes; i++) {
    state = state * 1664525 + 1013904223;
    memory[i] = (int8_t)((int32_t)(state >> 16) % (2 * most + 1) - most);
  }
  return memory;
}

/* Bell-shaped from -most to most, as trained weights are: the mean of four numbers. */
static void *take_weights(size_t bytes, int32_t most) {
  int8_t *memory = take_random(4 * bytes, most);
  for (size_t i = 0; i < bytes; i++) {
    const int8_t *of = memory + 4 * i;
    memory[i] = (int8_t)((of[0] + of[1] + of[2] + of[3]) / 4);
  }
  memory[0] = (int8_t)most;
  return memory;
}

static float *take_floats(size_t count, float value) {
  float *memory = take(count * sizeof *memory);
  for (size_t i = 0; i < count; i++) memory[i] = value;
  return memory;
}

static void report(const char *isa, const char *kernel, const char *where, const char *shape,
                   double macs, subject s) {
  const double cycle = nanoseconds_of_cycle(), time = least(s);
  printf("%s,%s,%s,%s,%.0f,%.0f,%.2f,%.1f\n", isa, kernel, where, shape, macs, time,
         macs / (time / cycle), macs / time);
  fflush(stdout);
}

/* ---- gemm ------------------------------------------------------------------------------------ */

typedef struct gemm_s8_job {
  const er_gemm_s8 *gemm;
  er_gemm_s8_call call;
} gemm_s8_job;

static void run_gemm_s8(void *arg) {
  const gemm_s8_job *job = arg;
  job->gemm->run(&job->call);
}

/* @param most weights are -most..most */
static void bench_gemm_s8(const char *isa, const er_gemm_s8 *gemm, const gemm_shape *s,
                          int32_t most) {
  const size_t rows = (size_t)s->rows, depth = (size_t)s->depth, units = (size_t)s->units;
  int8_t *values = take_weights(units * depth, most);
  int8_t *input = take_random(rows * depth, 127), *output = take(rows * units);
  int32_t *bias = take(units * sizeof *bias);
  float *scale = take_floats(units, 0.001f);
  void *packed = take(gemm->packed_bytes(s->units, s->depth));
  const er_range_s8 range = {0, -128, 127};
  gemm->pack(&(er_weights_s8){s->units, s->depth, values, bias, scale, -128, range}, packed);
  gemm_s8_job job = {gemm,
                     {.rows = s->rows,
                      .depth = s->depth,
                      .units = s->units,
                      .input = input,
                      .input_stride = s->depth,
                      .packed = packed,
                      .last = s->units,
                      .range = range,
                      .output = output,
                      .output_stride = s->units}};
  char shape[64];
  snprintf(shape, sizeof shape, "%dx%dx%d w%d", s->rows, s->depth, s->units, most);
  report(isa, gemm->name, s->where, shape, (double)s->rows * s->depth * s->units,
         (subject){run_gemm_s8, &job});
  free(values), free(input), free(output), free(bias), free(scale), free(packed);
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
  void *packed = take(gemm->packed_bytes(s->units, s->depth));
  gemm->pack(s->units, s->depth, values, bias, packed);
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
