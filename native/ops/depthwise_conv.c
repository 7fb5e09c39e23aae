/* DEPTHWISE_CONV_2D: its geometry and its choice of arithmetic. */
#include "dwconv_dynamic.h"
#include "dwconv_gemm.h"
#include "spread.h"
#include "window.h"

/* 8-bit activations beyond the fast kernels, and int16 ones. */
typedef struct er_dwconv_wide {
  er_linear linear;
  const int16_t *weights; /* [filter_h, filter_w, out_c] less their zero points */
} er_dwconv_wide;

typedef enum er_dwconv_form { LINES, GEMM, WIDE, DYNAMIC } er_dwconv_form;

typedef struct er_dwconv {
  er_conv_shape shape;
  er_dwconv_form form;
  union {
    er_dwconv_lines lines;
    er_conv_gemm gemm;
    er_dwconv_wide wide;
    er_dwconv_dynamic dynamic;
  };
  size_t thread_bytes; /* LINES, GEMM, WIDE: scratch of one thread */
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
  ER_TRY(er_place_window(plan, node, er_i8(node->options, SLOT_PADDING, 0), s));
  er_turn_column(s);
  return EDGERT_OK;
}

static void size_scratch(const er_plan *plan, er_node *node, er_dwconv *conv) {
  const er_conv_shape *s = &conv->shape;
  const int64_t line_w =
      (int64_t)(s->out_w - 1) * s->stride_w + (int64_t)(s->filter_w - 1) * s->dilation_w + 1;
  const size_t wide_bytes = (size_t)(line_w * s->filter_h * s->out_c) * sizeof(int16_t);
  const int32_t threads = er_plan_threads(plan);
  if (conv->form == DYNAMIC) {
    node->scratch_bytes = er_dwconv_dynamic_scratch(&conv->dynamic, threads);
    return;
  }
  conv->thread_bytes = er_align_up(conv->form == WIDE   ? wide_bytes
                                   : conv->form == GEMM ? conv->gemm.thread_bytes
                                                        : conv->lines.thread_bytes);
  node->scratch_bytes = conv->thread_bytes * (size_t)threads;
}

static edgert_status plan_wide(er_plan *plan, er_node *node, const er_linear *linear,
                               er_dwconv *conv) {
  const er_conv_shape *s = &conv->shape;
  const er_tensor *weights = er_plan_input(plan, node, 1);
  int16_t *widened = er_plan_alloc(plan, (size_t)weights->count * sizeof *widened);
  if (widened == NULL) return er_plan_no_memory(plan);
  for (int64_t i = 0; i < weights->count; ++i) {
    widened[i] = er_weight_at(weights, i, (int32_t)(i % s->out_c));
  }
  conv->wide = (er_dwconv_wide){*linear, widened};
  node->kernel = linear->arithmetic == ER_S8_LINEAR ? "dwconv_wide_s8" : "dwconv_wide_s16";
  return EDGERT_OK;
}

static edgert_status plan_lines(er_plan *plan, er_node *node, const er_linear_tensors *tensors,
                                const er_linear *linear, er_dwconv *conv) {
  ER_TRY(er_dwconv_lines_plan(plan, &conv->shape, tensors, linear, &conv->lines));
  node->kernel = conv->lines.s8 ? conv->lines.s8->name : er_plan_kernels(plan)->dwconv_f32.name;
  return EDGERT_OK;
}

static edgert_status plan_gemm(er_plan *plan, er_node *node, const er_linear_tensors *tensors,
                               const er_linear *linear, er_dwconv *conv) {
  conv->form = GEMM;
  ER_TRY(er_dwconv_gemm_plan(plan, &conv->shape, tensors, linear, &conv->gemm));
  node->kernel = conv->gemm.s8 ? conv->gemm.s8->name : conv->gemm.f32->name;
  return EDGERT_OK;
}

static edgert_status choose_form(er_plan *plan, er_node *node, const er_linear_tensors *tensors,
                                 const er_linear *linear, er_dwconv *conv) {
  const er_conv_shape *s = &conv->shape;
  const int64_t taps = (int64_t)s->filter_h * s->filter_w;
  const bool few_taps = taps <= ER_DWCONV_DYNAMIC_MOST_TAPS;
  if (few_taps && er_is_dynamic(tensors, linear, (int32_t)taps)) {
    conv->form = DYNAMIC;
    node->kernel = "dwconv_dynamic";
    return er_dwconv_dynamic_plan(plan, s, tensors, linear, &conv->dynamic);
  }
  if (er_is_dwconv_gemm(s, tensors, linear)) return plan_gemm(plan, node, tensors, linear, conv);
  conv->form = linear->arithmetic == ER_FLOAT_LINEAR || er_is_fast(tensors, linear) ? LINES : WIDE;
  return conv->form == WIDE ? plan_wide(plan, node, linear, conv)
                            : plan_lines(plan, node, tensors, linear, conv);
}

static edgert_status prepare(er_plan *plan, er_node *node) {
  ER_TRY(er_plan_want_counts(plan, node, 2, 3, 1));
  er_dwconv *conv = er_plan_alloc(plan, sizeof *conv);
  if (conv == NULL) return er_plan_no_memory(plan);
  er_bounds bounds;
  er_linear linear;
  ER_TRY(er_want_activation(plan, node, SLOT_ACTIVATION, &bounds));
  ER_TRY(read_shape(plan, node, &conv->shape));
  const er_linear_tensors tensors = {.input = er_plan_input(plan, node, 0),
                                     .weights = er_plan_input(plan, node, 1),
                                     .bias = er_plan_input(plan, node, 2),
                                     .output = er_plan_output(plan, node, 0),
                                     .units = conv->shape.out_c,
                                     .axis = 3};
  ER_TRY(er_prepare_linear(plan, node, &tensors, bounds, &linear));
  ER_TRY(choose_form(plan, node, &tensors, &linear, conv));
  size_scratch(plan, node, conv);
  node->macs = tensors.output->count * conv->shape.filter_h * conv->shape.filter_w;
  node->data = conv;
  return EDGERT_OK;
}

/* What a thread needs. */
typedef struct er_job {
  const er_dwconv *conv;
  const er_kernels *kernels;
  const void *input;
  void *output;
  char *scratch;
  int32_t pixels; /* GEMM: of all images */
} er_job;

static void work_wide(void *arg, int32_t first, int32_t last, int32_t thread) {
  const er_job *job = arg;
  const er_dwconv_wide *wide = &job->conv->wide;
  const er_conv_shape *s = &job->conv->shape;
  int16_t *lines = (int16_t *)(void *)(job->scratch + job->conv->thread_bytes * (size_t)thread);
  for (int32_t row = first; row < last; ++row) {
    const int64_t at = (int64_t)row * s->out_w * s->out_c;
    er_dwconv_lines_int16(s, wide->linear.type, wide->linear.zero_point, job->input, row, lines);
    if (wide->linear.arithmetic == ER_S8_LINEAR) {
      job->kernels->dwconv_wide_s8(s, lines, wide->weights, &wide->linear.requant,
                                   (uint8_t *)job->output + at);
    } else {
      er_dwconv_wide_s16(s, lines, wide->weights, &wide->linear.wide, (int16_t *)job->output + at);
    }
  }
}

static void work_lines(void *arg, int32_t first, int32_t last, int32_t thread) {
  const er_job *job = arg;
  er_dwconv_lines_run(&job->conv->lines, job->input, job->output, first, last,
                      job->scratch + job->conv->thread_bytes * (size_t)thread);
}

static void work_gemm(void *arg, int32_t first, int32_t last, int32_t thread) {
  const er_job *job = arg;
  const er_conv_gemm *conv = &job->conv->gemm;
  const int32_t step = er_conv_gemm_row_step(conv);
  const size_t pixel = (size_t)conv->shape.out_c * er_conv_gemm_element_bytes(conv);
  char *output = (char *)job->output + (size_t)first * (size_t)step * pixel;
  er_conv_gemm_pixels(conv, job->input, first * step, er_steps_end(last, step, job->pixels), output,
                      job->scratch + job->conv->thread_bytes * (size_t)thread);
}

/* Float weights and biases may be computed while running. */
static er_dwconv with_values(const er_run *run, const er_node *node, const er_dwconv *conv) {
  er_dwconv filled = *conv;
  if (!conv->lines.weights) filled.lines.weights = er_in_data(run, node, 1);
  if (!conv->lines.bias) filled.lines.bias = er_in_data(run, node, 2);
  return filled;
}

static edgert_status run(const er_run *run, const er_node *node) {
  const er_dwconv *conv = node->data;
  const er_conv_shape *s = &conv->shape;
  er_job job = {conv,
                run->kernels,
                er_in_data(run, node, 0),
                er_out_data(run, node, 0),
                run->scratch,
                .pixels = s->batch * s->out_h * s->out_w};
  if (conv->form == DYNAMIC) {
    er_dwconv_dynamic_run(run, &conv->dynamic, job.input, er_in_data(run, node, 2), job.output);
  } else if (conv->form == GEMM) {
    const int32_t step = er_conv_gemm_row_step(&conv->gemm);
    er_parallel(run, er_steps(job.pixels, step), work_gemm, &job);
  } else if (conv->form == WIDE) {
    er_parallel(run, s->batch * s->out_h, work_wide, &job);
  } else {
    const er_dwconv filled = with_values(run, node, conv);
    job.conv = &filled;
    er_parallel(run, s->batch * s->out_h, work_lines, &job);
  }
  return EDGERT_OK;
}

const er_op er_op_depthwise_conv_2d = {
    .builtin = 4, .name = "DEPTHWISE_CONV_2D", .prepare = prepare, .run = run};

const er_dwconv_lines *er_dwconv_lines_of(const er_node *node) {
  if (node->op != &er_op_depthwise_conv_2d) return NULL;
  const er_dwconv *conv = node->data;
  if (conv->form != LINES) return NULL;
  return conv->lines.s8 || conv->lines.weights ? &conv->lines : NULL;
}

bool er_dwconv_repad(er_plan *plan, er_node *node, const er_pad_shape *pad) {
  if (node->op != &er_op_depthwise_conv_2d) return false;
  er_dwconv *conv = node->data;
  er_pad_inside(&conv->shape, pad);
  if (conv->form == GEMM) {
    er_pad_inside(&conv->gemm.shape, pad);
    er_conv_gemm_resize(&conv->gemm);
  } else if (conv->form != WIDE) {
    er_dwconv_lines *lines = conv->form == DYNAMIC ? &conv->dynamic.lines : &conv->lines;
    er_pad_inside(&lines->shape, pad);
    er_dwconv_lines_resize(lines);
  }
  size_scratch(plan, node, conv);
  return true;
}
