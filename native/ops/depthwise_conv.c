/* DEPTHWISE_CONV_2D. */
#include "kernels/float.h"
#include "linear.h"
#include "window.h"

typedef struct er_dwconv {
  er_conv_shape shape;
  er_linear linear;
  const void *
      weights; /* float or int16 [filter_h, filter_w, out_c]; NULL: floats computed while running */
  size_t thread_bytes;
} er_dwconv;

enum {
  SLOT_PADDING,
  SLOT_STRIDE_W,
  SLOT_STRIDE_H,
  SLOT_MULTIPLIER,
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
  s->filter_h = weights->dims[1];
  s->filter_w = weights->dims[2];
  s->out_c = weights->dims[3];
  s->filter_c = 1;
  s->groups = s->in_c;
  s->stride_h = er_i32(node->options, SLOT_STRIDE_H, 0);
  s->stride_w = er_i32(node->options, SLOT_STRIDE_W, 0);
  s->dilation_h = er_i32(node->options, SLOT_DILATION_H, 1);
  s->dilation_w = er_i32(node->options, SLOT_DILATION_W, 1);
  /* The option depth_multiplier repeats what the shapes say, and some converters leave it 0. */
  s->multiplier = s->out_c / s->in_c;
  if (weights->dims[0] != 1 || s->out_c % s->in_c != 0) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED,
                        "has weights [%d, %d, %d, %d] for %d input channels; the first dimension "
                        "must be 1 and the last a multiple of the channels",
                        (int)weights->dims[0], (int)s->filter_h, (int)s->filter_w, (int)s->out_c,
                        (int)s->in_c);
  }
  return er_place_window(plan, node, er_i8(node->options, SLOT_PADDING, 0), s);
}

static edgert_status plan_float(er_plan *plan, er_node *node, er_dwconv *conv) {
  const er_tensor *weights = er_plan_input(plan, node, 1);
  node->kernel = "dwconv_f32_generic";
  if (weights->constant == NULL) return EDGERT_OK;
  conv->weights = er_float_weights(plan, weights);
  return conv->weights == NULL ? er_plan_no_memory(plan) : EDGERT_OK;
}

static edgert_status plan_integer(er_plan *plan, er_node *node, er_dwconv *conv) {
  const er_conv_shape *s = &conv->shape;
  const er_tensor *weights = er_plan_input(plan, node, 1);
  int16_t *widened = er_plan_alloc(plan, (size_t)weights->count * sizeof *widened);
  if (widened == NULL) return er_plan_no_memory(plan);
  for (int64_t i = 0; i < weights->count; ++i) {
    widened[i] = er_weight_at(weights, i, (int32_t)(i % s->out_c));
  }
  conv->weights = widened;
  const int64_t line_w =
      (int64_t)(s->out_w - 1) * s->stride_w + (int64_t)(s->filter_w - 1) * s->dilation_w + 1;
  conv->thread_bytes =
      (size_t)(line_w * s->filter_h * s->out_c * (int64_t)sizeof(int16_t) + 63) / 64 * 64;
  node->scratch_bytes = conv->thread_bytes * (size_t)er_plan_threads(plan);
  node->kernel =
      conv->linear.arithmetic == ER_S8_LINEAR ? "dwconv_s8_generic" : "dwconv_s16_generic";
  return EDGERT_OK;
}

static edgert_status prepare(er_plan *plan, er_node *node) {
  ER_TRY(er_plan_want_counts(plan, node, 2, 3, 1));
  er_dwconv *conv = er_plan_alloc(plan, sizeof *conv);
  if (conv == NULL) return er_plan_no_memory(plan);
  er_bounds bounds;
  ER_TRY(er_want_activation(plan, node, SLOT_ACTIVATION, &bounds));
  ER_TRY(read_shape(plan, node, &conv->shape));
  const er_linear_tensors tensors = {.input = er_plan_input(plan, node, 0),
                                     .weights = er_plan_input(plan, node, 1),
                                     .bias = er_plan_input(plan, node, 2),
                                     .output = er_plan_output(plan, node, 0),
                                     .units = conv->shape.out_c,
                                     .axis = 3};
  ER_TRY(er_prepare_linear(plan, node, &tensors, bounds, &conv->linear));
  ER_TRY(conv->linear.arithmetic == ER_FLOAT_LINEAR ? plan_float(plan, node, conv)
                                                    : plan_integer(plan, node, conv));
  node->macs = tensors.output->count * conv->shape.filter_h * conv->shape.filter_w;
  node->data = conv;
  return EDGERT_OK;
}

/* What a thread needs. */
typedef struct er_job {
  const er_dwconv *conv;
  const void *input, *weights;
  void *output;
  uint8_t *scratch;
  const float *bias;
} er_job;

static void work_integer(void *arg, int32_t first, int32_t last, int32_t thread) {
  const er_job *job = arg;
  const er_dwconv *conv = job->conv;
  const er_conv_shape *s = &conv->shape;
  const er_kernels *kernels = er_best_kernels();
  int16_t *lines = (int16_t *)(job->scratch + conv->thread_bytes * (size_t)thread);
  for (int32_t row = first; row < last; ++row) {
    const int64_t at = (int64_t)row * s->out_w * s->out_c;
    er_dwconv_lines(s, conv->linear.type, conv->linear.zero_point, job->input, row, lines);
    if (conv->linear.arithmetic == ER_S8_LINEAR) {
      kernels->dwconv_s8(s, lines, job->weights, &conv->linear.requant,
                         (uint8_t *)job->output + at);
    } else {
      kernels->dwconv_s16(s, lines, job->weights, &conv->linear.wide, (int16_t *)job->output + at);
    }
  }
}

static void work_float(void *arg, int32_t first, int32_t last, int32_t thread) {
  const er_job *job = arg;
  const er_dwconv *conv = job->conv;
  (void)thread;
  er_dwconv_f32(&conv->shape, job->input, job->weights, job->bias, conv->linear.bounds.low,
                conv->linear.bounds.high, job->output, first, last);
}

static edgert_status run(const er_run *run, const er_node *node) {
  const er_dwconv *conv = node->data;
  er_job job = {conv,
                er_in_data(run, node, 0),
                conv->weights != NULL ? conv->weights : er_in_data(run, node, 1),
                er_out_data(run, node, 0),
                run->scratch,
                er_in_data(run, node, 2)};
  er_parallel(run, conv->shape.batch * conv->shape.out_h,
              conv->linear.arithmetic == ER_FLOAT_LINEAR ? work_float : work_integer, &job);
  return EDGERT_OK;
}

const er_op er_op_depthwise_conv_2d = {
    .builtin = 4, .name = "DEPTHWISE_CONV_2D", .prepare = prepare, .run = run};
