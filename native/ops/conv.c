/* CONV_2D: im2col of a strip of output pixels, then a gemm; float by its own kernel. */
#include "kernels/float.h"
#include "linear.h"
#include "window.h"

#define STRIP_BYTES (128 * 1024) /* of patches at once: they stay in the second-level cache */

typedef struct er_conv {
  er_conv_shape shape;
  er_linear linear;
  const void *weights; /* packed for the kernel */
  int32_t depth;       /* of a patch, padded */
  int32_t strip;       /* output pixels at once */
  size_t thread_bytes; /* scratch of one thread */
} er_conv;

enum {
  SLOT_PADDING,
  SLOT_STRIDE_W,
  SLOT_STRIDE_H,
  SLOT_ACTIVATION,
  SLOT_DILATION_W,
  SLOT_DILATION_H
};

static edgert_status read_shape(er_plan *plan, const er_node *node, er_conv_shape *s) {
  const er_tensor *input = er_plan_input(plan, node, 0);
  const er_tensor *weights = er_plan_input(plan, node, 1);
  ER_TRY(er_want_rank(plan, node, input, 4, "input"));
  ER_TRY(er_want_rank(plan, node, weights, 4, "array of weights"));
  er_read_image(input, s);
  s->out_c = weights->dims[0];
  s->filter_h = weights->dims[1];
  s->filter_w = weights->dims[2];
  s->filter_c = weights->dims[3];
  s->stride_h = er_i32(node->options, SLOT_STRIDE_H, 0);
  s->stride_w = er_i32(node->options, SLOT_STRIDE_W, 0);
  s->dilation_h = er_i32(node->options, SLOT_DILATION_H, 1);
  s->dilation_w = er_i32(node->options, SLOT_DILATION_W, 1);
  s->groups = s->in_c / s->filter_c;
  s->multiplier = 1;
  if (s->in_c % s->filter_c != 0 || s->out_c % s->groups != 0) {
    return er_plan_fail(
        plan, node, EDGERT_MALFORMED,
        "has %d input channels, %d output channels and filters of %d channels; input "
        "and output channels must divide into the same number of groups",
        (int)s->in_c, (int)s->out_c, (int)s->filter_c);
  }
  return er_place_window(plan, node, er_i8(node->options, SLOT_PADDING, 0), s);
}

static edgert_status plan_float(er_plan *plan, er_node *node, er_conv *conv) {
  const er_tensor *tensor = er_plan_input(plan, node, 1);
  ER_TRY(er_want_constant(plan, node, tensor, "weights"));
  const float *weights = er_float_weights(plan, tensor);
  void *packed = er_plan_alloc(plan, er_conv_f32_packed_bytes(&conv->shape));
  if (weights == NULL || packed == NULL) return er_plan_no_memory(plan);
  er_conv_f32_pack(&conv->shape, weights, packed);
  conv->weights = packed;
  conv->thread_bytes = er_conv_f32_scratch_bytes(&conv->shape);
  node->kernel = "conv_f32_generic";
  return EDGERT_OK;
}

static edgert_status plan_integer(er_plan *plan, er_node *node, er_conv *conv) {
  const er_conv_shape *s = &conv->shape;
  const er_tensor *weights = er_plan_input(plan, node, 1);
  conv->depth = er_round_up((int32_t)(weights->count / s->out_c), ER_DEPTH_STEP);
  conv->weights = er_pack_rows(plan, weights, s->out_c, s->groups);
  if (conv->weights == NULL) return er_plan_no_memory(plan);
  const int32_t fitting = STRIP_BYTES / (int32_t)sizeof(int16_t) / conv->depth;
  conv->strip = fitting < 4 ? 4 : fitting > 64 ? 64 : fitting;
  conv->thread_bytes = (size_t)conv->strip * (size_t)conv->depth * sizeof(int16_t);
  node->kernel = conv->linear.arithmetic == ER_S8_LINEAR ? "conv_s8_generic" : "conv_s16_generic";
  return EDGERT_OK;
}

static edgert_status prepare(er_plan *plan, er_node *node) {
  ER_TRY(er_plan_want_counts(plan, node, 2, 3, 1));
  er_conv *conv = er_plan_alloc(plan, sizeof *conv);
  if (conv == NULL) return er_plan_no_memory(plan);
  er_bounds bounds;
  ER_TRY(er_want_activation(plan, node, SLOT_ACTIVATION, &bounds));
  ER_TRY(read_shape(plan, node, &conv->shape));
  const er_linear_tensors tensors = {.input = er_plan_input(plan, node, 0),
                                     .weights = er_plan_input(plan, node, 1),
                                     .bias = er_plan_input(plan, node, 2),
                                     .output = er_plan_output(plan, node, 0),
                                     .units = conv->shape.out_c,
                                     .axis = 0};
  ER_TRY(er_prepare_linear(plan, node, &tensors, bounds, &conv->linear));
  ER_TRY(conv->linear.arithmetic == ER_FLOAT_LINEAR ? plan_float(plan, node, conv)
                                                    : plan_integer(plan, node, conv));
  conv->thread_bytes = (conv->thread_bytes + 63) / 64 * 64;
  node->scratch_bytes = conv->thread_bytes * (size_t)er_plan_threads(plan);
  node->macs = tensors.output->count * (tensors.weights->count / conv->shape.out_c);
  node->data = conv;
  return EDGERT_OK;
}

/* What a thread needs. */
typedef struct er_job {
  const er_conv *conv;
  const void *input;
  void *output;
  uint8_t *scratch;
  const float *bias;
} er_job;

static void multiply(const er_conv *conv, int32_t group, int32_t count, const int16_t *rows,
                     void *output, int64_t pixel) {
  const er_kernels *kernels = er_best_kernels();
  const int32_t units = conv->shape.out_c / conv->shape.groups;
  const int64_t packed_units = er_round_up(units, ER_UNIT_STEP);
  const int16_t *weights = (const int16_t *)conv->weights + group * packed_units * conv->depth;
  const int64_t at = pixel * conv->shape.out_c + (int64_t)group * units;
  if (conv->linear.arithmetic == ER_S8_LINEAR) {
    const er_requant requant = er_requant_from(&conv->linear.requant, group * units);
    kernels->gemm_s8(count, conv->depth, rows, weights, &requant, (uint8_t *)output + at,
                     conv->shape.out_c, 0, units);
  } else {
    const er_requant_wide requant = er_requant_wide_from(&conv->linear.wide, group * units);
    kernels->gemm_s16(count, conv->depth, rows, weights, &requant, (int16_t *)output + at,
                      conv->shape.out_c, 0, units);
  }
}

static void work_integer(void *arg, int32_t first, int32_t last, int32_t thread) {
  const er_job *job = arg;
  const er_conv *conv = job->conv;
  int16_t *rows = (int16_t *)(job->scratch + conv->thread_bytes * (size_t)thread);
  for (int32_t pixel = first; pixel < last; pixel += conv->strip) {
    const int32_t count = last - pixel < conv->strip ? last - pixel : conv->strip;
    for (int32_t group = 0; group < conv->shape.groups; ++group) {
      er_im2col(&conv->shape, conv->linear.type, conv->linear.zero_point, job->input, group,
                conv->depth, pixel, pixel + count, rows);
      multiply(conv, group, count, rows, job->output, pixel);
    }
  }
}

static void work_float(void *arg, int32_t first, int32_t last, int32_t thread) {
  const er_job *job = arg;
  const er_conv *conv = job->conv;
  er_conv_f32(&conv->shape, job->input, conv->weights, job->bias, conv->linear.bounds.low,
              conv->linear.bounds.high, job->output, first, last,
              job->scratch + conv->thread_bytes * (size_t)thread);
}

static edgert_status run(const er_run *run, const er_node *node) {
  const er_conv *conv = node->data;
  er_job job = {conv, er_in_data(run, node, 0), er_out_data(run, node, 0), run->scratch,
                er_in_data(run, node, 2)};
  const int32_t lines = conv->shape.batch * conv->shape.out_h;
  if (conv->linear.arithmetic == ER_FLOAT_LINEAR) {
    er_parallel(run, lines, work_float, &job);
  } else {
    er_parallel(run, lines * conv->shape.out_w, work_integer, &job);
  }
  return EDGERT_OK;
}

const er_op er_op_conv_2d = {.builtin = 3, .name = "CONV_2D", .prepare = prepare, .run = run};
