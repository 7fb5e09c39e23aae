/* CONV_2D of floats with integer weights. LiteRT quantizes each pixel of a 1x1 convolution by
 * itself, and the images of others whole. */
#include "conv.h"

typedef struct layout {
  size_t input, quant, threads; /* bytes from the start of the scratch */
  size_t tile, lines;           /* bytes from the start of a thread's, behind the patches */
  size_t thread_bytes;
  er_patch_rows rows;
} layout;

static layout lay_out(const er_conv_dynamic *c) {
  const er_conv_shape *s = &c->shape;
  const size_t pixels = (size_t)s->batch * (size_t)s->in_h * (size_t)s->in_w;
  const size_t ranges = c->direct ? pixels : (size_t)s->batch;
  layout l = {.quant = er_align_up(pixels * (size_t)s->in_c + ER_OVERREAD)};
  l.threads = l.quant + er_align_up(ranges * sizeof(er_row_quant));
  l.tile = c->direct ? 0 : er_align_up(ER_DYNAMIC_ROWS * (size_t)c->dynamic.depth + ER_OVERREAD);
  l.lines = l.tile + er_dynamic_tile_bytes(&c->dynamic);
  if (!c->direct) l.rows = er_patch_rows_of(s, 1, ER_DYNAMIC_ROWS);
  l.thread_bytes = l.lines + l.rows.thread_bytes;
  return l;
}

edgert_status er_conv_dynamic_plan(er_plan *plan, const er_conv_shape *shape,
                                   const er_linear_tensors *tensors, const er_linear *linear,
                                   er_conv_dynamic *conv) {
  *conv = (er_conv_dynamic){.shape = *shape, .direct = er_is_pointwise(shape)};
  return er_dynamic_plan(plan, tensors, linear, shape->groups, &conv->dynamic);
}

size_t er_conv_dynamic_scratch(const er_conv_dynamic *conv, int32_t threads) {
  const layout l = lay_out(conv);
  return l.threads + l.thread_bytes * (size_t)threads;
}

typedef struct er_job {
  const er_conv_dynamic *conv;
  layout at;
  const float *input;
  const float *bias;
  float *output;
  char *scratch;
} er_job;

static int8_t *quantized(const er_job *job) { return (int8_t *)job->scratch; }

static er_row_quant *ranges(const er_job *job) {
  return (er_row_quant *)(void *)(job->scratch + job->at.quant);
}

/* Pixels of a direct convolution, else images. */
static void quantize(void *arg, int32_t first, int32_t last, int32_t thread) {
  const er_job *job = arg;
  const er_conv_shape *s = &job->conv->shape;
  const int64_t count = job->conv->direct ? s->in_c : (int64_t)s->in_h * s->in_w * s->in_c;
  (void)thread;
  for (int64_t i = first; i < last; i++) {
    ranges(job)[i] = job->conv->dynamic.kernels->quantize_row(count, job->input + i * count,
                                                              quantized(job) + i * count);
  }
}

/* Up to ER_DYNAMIC_ROWS output pixels of one image, all groups. */
static void strip(const er_job *job, int32_t pixel, int32_t count, char *scratch) {
  const er_conv_dynamic *c = job->conv;
  const er_dynamic *d = &c->dynamic;
  const int32_t image = pixel / (c->shape.out_h * c->shape.out_w);
  int32_t *tile = (int32_t *)(void *)(scratch + job->at.tile);
  er_row_quant quant[ER_DYNAMIC_ROWS];
  for (int32_t i = 0; i < count; i++) quant[i] = ranges(job)[c->direct ? pixel + i : image];
  for (int32_t g = 0; g < d->groups; g++) {
    const int8_t *rows = quantized(job) + (int64_t)pixel * d->depth;
    if (!c->direct) {
      er_patch_rows_get(&job->at.rows, &c->shape, (int8_t)quant[0].zero_point, quantized(job), g,
                        pixel, pixel + count, scratch, scratch + job->at.lines);
      rows = (int8_t *)scratch;
    }
    er_dynamic_rows(d, g, count, rows, quant, job->bias ? job->bias + (int64_t)g * d->units : NULL,
                    0, d->units, 0, 0, job->output + (int64_t)pixel * c->shape.out_c + g * d->units,
                    c->shape.out_c, tile);
  }
}

static void work(void *arg, int32_t first, int32_t last, int32_t thread) {
  const er_job *job = arg;
  const int32_t image_pixels = job->conv->shape.out_h * job->conv->shape.out_w;
  char *scratch = job->scratch + job->at.threads + job->at.thread_bytes * (size_t)thread;
  for (int32_t pixel = first; pixel < last;) {
    const int32_t in_image = image_pixels - pixel % image_pixels;
    int32_t count = last - pixel < ER_DYNAMIC_ROWS ? last - pixel : ER_DYNAMIC_ROWS;
    if (in_image < count) count = in_image;
    strip(job, pixel, count, scratch);
    pixel += count;
  }
}

void er_conv_dynamic_run(const er_run *run, const er_conv_dynamic *conv, const float *input,
                         const float *bias, float *output) {
  const er_conv_shape *s = &conv->shape;
  er_job job = {conv, lay_out(conv), input, bias, output, run->scratch};
  er_parallel(run, conv->direct ? s->batch * s->in_h * s->in_w : s->batch, quantize, &job);
  er_parallel(run, s->batch * s->out_h * s->out_w, work, &job);
}
