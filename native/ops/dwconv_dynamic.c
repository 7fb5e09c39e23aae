#include "dwconv_dynamic.h"

#include <math.h>

edgert_status er_dwconv_dynamic_plan(er_plan *plan, const er_conv_shape *shape,
                                     const er_linear_tensors *tensors, const er_linear *linear,
                                     er_dwconv_dynamic *conv) {
  const er_tensor *weights = tensors->weights;
  const int8_t *values = er_weights_as_int8(plan, weights);
  float *whole = er_plan_alloc(plan, (size_t)weights->count * sizeof *whole);
  float *scale = er_plan_alloc(plan, (size_t)tensors->units * sizeof *scale);
  if (!values || !whole || !scale) return er_plan_no_memory(plan);
  for (int64_t i = 0; i < weights->count; i++) whole[i] = (float)values[i];
  for (int32_t u = 0; u < tensors->units; u++) scale[u] = er_weight_scale(weights, u);
  er_tensor floats = *weights;
  floats.type = EDGERT_FLOAT32;
  floats.constant = whole;
  er_linear_tensors plain = *tensors;
  plain.weights = &floats;
  plain.bias = NULL;
  er_linear unbounded = *linear;
  unbounded.bounds = (er_bounds){-INFINITY, INFINITY};
  *conv = (er_dwconv_dynamic){.scale = scale, .bounds = linear->bounds};
  return er_dwconv_lines_plan(plan, shape, &plain, &unbounded, &conv->lines);
}

typedef struct layout {
  size_t bytes, quant, threads; /* from the start of the scratch, which holds the whole numbers */
} layout;

static int64_t image_elements(const er_dwconv_dynamic *conv) {
  const er_conv_shape *s = &conv->lines.shape;
  return (int64_t)s->in_h * s->in_w * s->in_c;
}

static layout lay_out(const er_dwconv_dynamic *conv) {
  const size_t images = (size_t)conv->lines.shape.batch;
  const size_t count = (size_t)image_elements(conv);
  layout at = {.bytes = er_align_up(images * count * sizeof(float) + ER_OVERREAD)};
  at.quant = at.bytes + er_align_up(count);
  at.threads = at.quant + er_align_up(images * sizeof(er_row_quant));
  return at;
}

static size_t thread_bytes(const er_dwconv_dynamic *conv) {
  return er_align_up(conv->lines.thread_bytes);
}

size_t er_dwconv_dynamic_scratch(const er_dwconv_dynamic *conv, int32_t threads) {
  return lay_out(conv).threads + thread_bytes(conv) * (size_t)threads;
}

typedef struct er_job {
  const er_dwconv_dynamic *conv;
  layout at;
  const float *bias;
  float *output;
  char *scratch;
} er_job;

/* One image as whole numbers: quantized, less its zero point. */
static void quantize(const er_job *job, int32_t image, const float *input) {
  const int64_t count = image_elements(job->conv);
  int8_t *bytes = (int8_t *)(job->scratch + job->at.bytes);
  er_row_quant *quant = (er_row_quant *)(void *)(job->scratch + job->at.quant);
  float *whole = (float *)(void *)job->scratch + image * count;
  quant[image] = er_quantize_image(count, input + image * count, bytes);
  for (int64_t i = 0; i < count; i++) whole[i] = (float)(bytes[i] - quant[image].zero_point);
}

/* One output line, sums in place. */
static void scale_line(const er_job *job, int32_t row) {
  const er_conv_shape *s = &job->conv->lines.shape;
  const er_row_quant *quant = (const er_row_quant *)(void *)(job->scratch + job->at.quant);
  const float scale = quant[row / s->out_h].scale;
  const er_bounds bounds = job->conv->bounds;
  float *pixel = job->output + (int64_t)row * s->out_w * s->out_c;
  for (int32_t x = 0; x < s->out_w; x++, pixel += s->out_c) {
    for (int32_t u = 0; u < s->out_c; u++) {
      /* LiteRT scales four channels at once by the weight first, and those left over last. */
      const bool in_four = u < s->out_c / 4 * 4;
      const float first = in_four ? job->conv->scale[u] : scale;
      const float product = pixel[u] * first * (in_four ? scale : job->conv->scale[u]);
      const float value = job->bias ? product + job->bias[u] : product;
      const float bounded = value < bounds.low ? bounds.low : value;
      pixel[u] = bounded > bounds.high ? bounds.high : bounded;
    }
  }
}

static void work(void *arg, int32_t first, int32_t last, int32_t thread) {
  const er_job *job = arg;
  er_dwconv_lines_run(&job->conv->lines, job->scratch, job->output, first, last,
                      job->scratch + job->at.threads + thread_bytes(job->conv) * (size_t)thread);
  for (int32_t row = first; row < last; row++) scale_line(job, row);
}

void er_dwconv_dynamic_run(const er_run *run, const er_dwconv_dynamic *conv, const float *input,
                           const float *bias, float *output) {
  const er_conv_shape *s = &conv->lines.shape;
  er_job job = {conv, lay_out(conv), bias, output, run->scratch};
  for (int32_t image = 0; image < s->batch; image++) quantize(&job, image, input);
  er_parallel(run, s->batch * s->out_h, work, &job);
}
