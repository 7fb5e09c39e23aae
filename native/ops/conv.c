/* CONV_2D: its geometry and its choice of arithmetic. */
#include "conv.h"

#include "spread.h"
#include "window.h"

typedef enum er_conv_form { GEMM, WIDE, DYNAMIC } er_conv_form;

typedef struct er_conv {
  er_conv_form form;
  union {
    er_conv_gemm gemm;
    er_conv_wide wide;
    er_conv_dynamic dynamic;
  };
  size_t thread_bytes; /* GEMM, WIDE: scratch of one thread */
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
  ER_TRY(er_place_window(plan, node, er_i8(node->options, SLOT_PADDING, 0), s));
  er_turn_column(s);
  return EDGERT_OK;
}

static er_conv_form choose_form(const er_conv_shape *shape, const er_linear_tensors *tensors,
                                const er_linear *linear) {
  const int32_t depth = shape->filter_h * shape->filter_w * shape->filter_c;
  if (er_is_dynamic(tensors, linear, depth)) return DYNAMIC;
  return linear->arithmetic == ER_FLOAT_LINEAR || er_is_fast(tensors, linear) ? GEMM : WIDE;
}

static edgert_status plan_arithmetic(er_plan *plan, er_node *node, const er_conv_shape *shape,
                                     const er_linear_tensors *tensors, const er_linear *linear,
                                     er_conv *conv) {
  conv->form = choose_form(shape, tensors, linear);
  if (conv->form == WIDE) {
    node->kernel = linear->arithmetic == ER_S8_LINEAR ? "conv_wide_s8" : "conv_wide_s16";
    return er_conv_wide_plan(plan, shape, tensors, linear, &conv->wide);
  }
  if (conv->form == DYNAMIC) {
    node->kernel = "conv_dynamic";
    return er_conv_dynamic_plan(plan, shape, tensors, linear, &conv->dynamic);
  }
  ER_TRY(er_want_constant(plan, node, tensors->weights, "weights"));
  if (tensors->bias) ER_TRY(er_want_constant(plan, node, tensors->bias, "biases"));
  ER_TRY(er_conv_neighbours_plan(plan, shape, tensors, linear, &conv->gemm));
  node->kernel = er_conv_gemm_kernel(&conv->gemm);
  return EDGERT_OK;
}

static void size_scratch(const er_plan *plan, er_node *node, er_conv *conv) {
  const int32_t threads = er_plan_threads(plan);
  if (conv->form == DYNAMIC) {
    node->scratch_bytes = er_conv_dynamic_scratch(&conv->dynamic, threads);
    return;
  }
  conv->thread_bytes =
      er_align_up(conv->form == WIDE ? conv->wide.thread_bytes : conv->gemm.thread_bytes);
  node->scratch_bytes = conv->thread_bytes * (size_t)threads;
}

static edgert_status prepare(er_plan *plan, er_node *node) {
  ER_TRY(er_plan_want_counts(plan, node, 2, 3, 1));
  er_conv *conv = er_plan_alloc(plan, sizeof *conv);
  if (conv == NULL) return er_plan_no_memory(plan);
  er_bounds bounds;
  er_conv_shape shape = {0};
  er_linear linear;
  ER_TRY(er_want_activation(plan, node, SLOT_ACTIVATION, &bounds));
  ER_TRY(read_shape(plan, node, &shape));
  const er_linear_tensors tensors = {.input = er_plan_input(plan, node, 0),
                                     .weights = er_plan_input(plan, node, 1),
                                     .bias = er_plan_input(plan, node, 2),
                                     .output = er_plan_output(plan, node, 0),
                                     .units = shape.out_c,
                                     .axis = 0};
  ER_TRY(er_prepare_linear(plan, node, &tensors, bounds, &linear));
  ER_TRY(plan_arithmetic(plan, node, &shape, &tensors, &linear, conv));
  size_scratch(plan, node, conv);
  node->macs = tensors.output->count * (tensors.weights->count / shape.out_c);
  node->data = conv;
  return EDGERT_OK;
}

/* What a thread needs. */
typedef struct er_job {
  const er_conv *conv;
  const void *input;
  char *output;
  char *scratch;
  int32_t pixels; /* of all images */
  int32_t step;   /* pixels, or output channels, that threads share as one */
} er_job;

static void work_pixels(void *arg, int32_t first, int32_t last, int32_t thread) {
  const er_job *job = arg;
  void *scratch = job->scratch + job->conv->thread_bytes * (size_t)thread;
  first *= job->step;
  last = er_steps_end(last, job->step, job->pixels);
  if (job->conv->form == WIDE) {
    er_conv_wide_pixels(&job->conv->wide, job->input, job->output, first, last, scratch);
  } else {
    const er_conv_gemm *conv = &job->conv->gemm;
    const size_t pixel = (size_t)conv->shape.out_c * er_conv_gemm_element_bytes(conv);
    er_conv_gemm_pixels(conv, job->input, first, last, job->output + (size_t)first * pixel,
                        scratch);
  }
}

static void work_units(void *arg, int32_t first, int32_t last, int32_t thread) {
  const er_job *job = arg;
  const int32_t units = job->conv->gemm.shape.out_c;
  (void)thread;
  er_conv_gemm_units(&job->conv->gemm, job->pixels, job->input, first * job->step,
                     er_steps_end(last, job->step, units), job->output);
}

static const er_conv_shape *shape_of(const er_conv *conv) {
  return conv->form == WIDE      ? &conv->wide.shape
         : conv->form == DYNAMIC ? &conv->dynamic.shape
                                 : &conv->gemm.shape;
}

/* Threads share the pixels, or where those are few the output channels; in whole steps of the
 * kernel, so that none computes half a tile. */
static void share(const er_run *run, er_job *job) {
  const er_conv *conv = job->conv;
  const int32_t row_step = conv->form == WIDE ? 1 : er_conv_gemm_row_step(&conv->gemm);
  const bool few = job->pixels / row_step < run->threads;
  if (few && conv->form == GEMM && conv->gemm.direct) {
    job->step = er_conv_gemm_unit_step(&conv->gemm);
    er_parallel(run, er_steps(conv->gemm.shape.out_c, job->step), work_units, job);
  } else {
    job->step = row_step;
    er_parallel(run, er_steps(job->pixels, row_step), work_pixels, job);
  }
}

static edgert_status run(const er_run *run, const er_node *node) {
  const er_conv *conv = node->data;
  const er_conv_shape *s = shape_of(conv);
  er_job job = {conv, er_in_data(run, node, 0), er_out_data(run, node, 0), run->scratch,
                .pixels = s->batch * s->out_h * s->out_w};
  if (conv->form == DYNAMIC) {
    er_conv_dynamic_run(run, &conv->dynamic, job.input, er_in_data(run, node, 2),
                        er_out_data(run, node, 0));
  } else {
    share(run, &job);
  }
  return EDGERT_OK;
}

const er_op er_op_conv_2d = {.builtin = 3, .name = "CONV_2D", .prepare = prepare, .run = run};

edgert_status er_conv_become(er_plan *plan, er_node *node, const int32_t *inputs,
                             const er_conv_gemm *gemm) {
  er_conv *conv = er_plan_alloc(plan, sizeof *conv);
  er_op *op = er_plan_alloc(plan, sizeof *op);
  if (!conv || !op) return er_plan_no_memory(plan);
  conv->gemm = *gemm;
  size_scratch(plan, node, conv);
  op->builtin = node->op->builtin;
  op->name = node->op->name;
  op->run = run;
  node->op = op;
  node->data = conv;
  node->inputs = inputs;
  node->input_count = 2;
  return EDGERT_OK;
}

const er_conv_gemm *er_conv_gemm_of(const er_node *node) {
  if (node->op->run != run) return NULL;
  const er_conv *conv = node->data;
  return conv->form == GEMM ? &conv->gemm : NULL;
}

bool er_conv_repad(er_plan *plan, er_node *node, const er_pad_shape *pad) {
  if (node->op->run != run) return false;
  er_conv *conv = node->data;
  /* Pixels that are quantized one by one would no longer be. */
  if (conv->form == DYNAMIC && conv->dynamic.direct) return false;
  er_pad_inside(conv->form == WIDE      ? &conv->wide.shape
                : conv->form == DYNAMIC ? &conv->dynamic.shape
                                        : &conv->gemm.shape,
                pad);
  if (conv->form == GEMM) er_conv_gemm_resize(&conv->gemm);
  size_scratch(plan, node, conv);
  return true;
}
