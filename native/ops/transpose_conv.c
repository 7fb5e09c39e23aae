/* TRANSPOSE_CONV: inputs are the output's shape, weights, the image and perhaps biases. */
#include <string.h>

#include "kernels/float.h"
#include "kernels/rounding.h"
#include "linear.h"
#include "shape.h"
#include "tconv_gemm.h"
#include "window.h"

typedef struct er_tconv {
  bool on_gemm; /* then only gemm and thread_bytes are read */
  er_tconv_gemm gemm;
  er_conv_shape shape;
  er_linear linear;
  const void *weights; /* int16 or float [out_c, filter_h, filter_w, in_c] */
  size_t sums_bytes;   /* of one thread: sums, then a widened input line */
  size_t thread_bytes;
  int32_t inputs[2]; /* the image and the weights */
} er_tconv;

enum { INPUT_SHAPE, INPUT_WEIGHTS, INPUT_IMAGE, INPUT_BIAS };
enum { SLOT_PADDING, SLOT_STRIDE_W, SLOT_STRIDE_H, SLOT_ACTIVATION };

/* The output's shape: the constant input, or where that is computed while running, what the file
 * declares; run then checks that they agree. */
static edgert_status read_output(er_plan *plan, const er_node *node, er_conv_shape *s) {
  const er_tensor *dims = er_plan_input(plan, node, INPUT_SHAPE);
  const er_tensor *output = er_plan_output(plan, node, 0);
  const int32_t types[] = {EDGERT_INT32, -1};
  ER_TRY(er_plan_want_type(plan, node, dims, types));
  int32_t shape[4] = {0};
  if (dims->constant != NULL && dims->count == 4) memcpy(shape, dims->constant, sizeof shape);
  if (dims->constant == NULL && dims->count == 4 && output->rank == 4) {
    memcpy(shape, output->dims, sizeof shape);
  }
  if (shape[0] != s->batch || shape[3] != s->out_c) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED,
                        "needs an output shape [%d, height, width, %d]", (int)s->batch,
                        (int)s->out_c);
  }
  ER_TRY(er_plan_set_shape(plan, node, 0, 4, shape));
  s->out_h = shape[1];
  s->out_w = shape[2];
  return EDGERT_OK;
}

/* The window that a forward convolution from the output to the input has. */
static edgert_status place(er_plan *plan, const er_node *node, int8_t padding, int32_t in,
                           int32_t out, int32_t filter, int32_t stride, int32_t *before) {
  if (stride < 1 || (padding != ER_PADDING_SAME && padding != ER_PADDING_VALID)) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED, "has stride %d and padding number %d",
                        (int)stride, (int)padding);
  }
  const int64_t size = padding == ER_PADDING_SAME ? ((int64_t)out + stride - 1) / stride
                                                  : ((int64_t)out - filter + stride) / stride;
  if (size != in) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED,
                        "cannot make size %d from size %d with filter %d and stride %d", (int)out,
                        (int)in, (int)filter, (int)stride);
  }
  const int64_t missing = (size - 1) * stride + filter - out;
  *before = padding == ER_PADDING_SAME && missing > 0 ? (int32_t)(missing / 2) : 0;
  return EDGERT_OK;
}

static edgert_status read_shape(er_plan *plan, const er_node *node, er_conv_shape *s) {
  const er_tensor *input = er_plan_input(plan, node, INPUT_IMAGE);
  const er_tensor *weights = er_plan_input(plan, node, INPUT_WEIGHTS);
  const int8_t padding = er_i8(node->options, SLOT_PADDING, 0);
  ER_TRY(er_want_rank(plan, node, input, 4, "input"));
  ER_TRY(er_want_rank(plan, node, weights, 4, "array of weights"));
  er_read_image(input, s);
  s->out_c = weights->dims[0];
  s->filter_h = weights->dims[1];
  s->filter_w = weights->dims[2];
  s->filter_c = weights->dims[3];
  s->groups = s->dilation_h = s->dilation_w = s->multiplier = 1;
  s->stride_h = er_i32(node->options, SLOT_STRIDE_H, 0);
  s->stride_w = er_i32(node->options, SLOT_STRIDE_W, 0);
  if (s->filter_c != s->in_c) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED,
                        "has filters of %d channels for an input of %d", (int)s->filter_c,
                        (int)s->in_c);
  }
  ER_TRY(read_output(plan, node, s));
  ER_TRY(place(plan, node, padding, s->in_h, s->out_h, s->filter_h, s->stride_h, &s->pad_top));
  ER_TRY(place(plan, node, padding, s->in_w, s->out_w, s->filter_w, s->stride_w, &s->pad_left));
  er_turn_column(s);
  return EDGERT_OK;
}

static edgert_status plan_float(er_plan *plan, er_node *node, er_tconv *conv) {
  const er_tensor *weights = er_plan_input(plan, node, INPUT_WEIGHTS);
  node->kernel = "transpose_conv_f32";
  if (weights->constant == NULL) return EDGERT_OK;
  conv->weights = er_float_weights(plan, weights);
  return conv->weights == NULL ? er_plan_no_memory(plan) : EDGERT_OK;
}

static edgert_status plan_integer(er_plan *plan, er_node *node, er_tconv *conv) {
  const er_conv_shape *s = &conv->shape;
  const er_tensor *weights = er_plan_input(plan, node, INPUT_WEIGHTS);
  const int64_t step = weights->count / s->out_c;
  int16_t *widened = er_plan_alloc(plan, (size_t)weights->count * sizeof *widened);
  if (widened == NULL) return er_plan_no_memory(plan);
  for (int64_t i = 0; i < weights->count; ++i) {
    widened[i] = er_weight_at(weights, i, (int32_t)(i / step));
  }
  conv->weights = widened;
  conv->sums_bytes = (size_t)s->out_w * (size_t)s->out_c * sizeof(int64_t);
  const size_t line_bytes = (size_t)s->in_w * (size_t)s->in_c * sizeof(int16_t);
  conv->thread_bytes = (conv->sums_bytes + line_bytes + 63) / 64 * 64;
  node->scratch_bytes = conv->thread_bytes * (size_t)er_plan_threads(plan);
  node->kernel = "transpose_conv_integer";
  return EDGERT_OK;
}

static bool can_use_gemm(const er_conv_shape *s, const er_linear_tensors *t, const er_linear *l) {
  const bool constant = t->weights->constant && (!t->bias || t->bias->constant);
  const bool fast = l->arithmetic == ER_FLOAT_LINEAR ||
                    (l->type == EDGERT_INT8 && er_has_plain_integers(t->weights));
  return constant && fast && er_tconv_has_phases(s);
}

/* Where the output's shape is known by now and of a size that convolutions compute. */
static bool is_conv(const er_plan *plan, const er_node *node, const er_tconv_gemm *gemm) {
  return er_tconv_is_conv(gemm) && er_plan_input(plan, node, INPUT_SHAPE)->constant &&
         er_plan_output(plan, node, 0)->count <= INT32_MAX;
}

static edgert_status plan_gemm(er_plan *plan, er_node *node, const er_linear_tensors *tensors,
                               er_tconv *conv) {
  er_tconv_gemm *gemm = &conv->gemm;
  ER_TRY(er_tconv_gemm_plan(plan, &conv->shape, tensors, &conv->linear, gemm));
  node->scratch_bytes = gemm->thread_bytes * (size_t)er_plan_threads(plan);
  node->kernel = er_conv_gemm_kernel(gemm->phases);
  if (!is_conv(plan, node, gemm)) return EDGERT_OK;
  conv->inputs[0] = node->inputs[INPUT_IMAGE];
  conv->inputs[1] = node->inputs[INPUT_WEIGHTS];
  return er_conv_become(plan, node, conv->inputs, gemm->phases);
}

static edgert_status prepare(er_plan *plan, er_node *node) {
  ER_TRY(er_plan_want_counts(plan, node, 3, 4, 1));
  er_tconv *conv = er_plan_alloc(plan, sizeof *conv);
  if (conv == NULL) return er_plan_no_memory(plan);
  er_bounds bounds;
  ER_TRY(er_want_activation(plan, node, SLOT_ACTIVATION, &bounds));
  ER_TRY(read_shape(plan, node, &conv->shape));
  const er_linear_tensors tensors = {.input = er_plan_input(plan, node, INPUT_IMAGE),
                                     .weights = er_plan_input(plan, node, INPUT_WEIGHTS),
                                     .bias = er_plan_input(plan, node, INPUT_BIAS),
                                     .output = er_plan_output(plan, node, 0),
                                     .units = conv->shape.out_c,
                                     .axis = 0};
  ER_TRY(er_prepare_linear(plan, node, &tensors, bounds, &conv->linear));
  conv->on_gemm = can_use_gemm(&conv->shape, &tensors, &conv->linear);
  node->macs = tensors.input->count * (tensors.weights->count / conv->shape.in_c);
  node->data = conv;
  return conv->on_gemm                                ? plan_gemm(plan, node, &tensors, conv)
         : conv->linear.arithmetic == ER_FLOAT_LINEAR ? plan_float(plan, node, conv)
                                                      : plan_integer(plan, node, conv);
}

/* What a thread needs. */
typedef struct er_job {
  const er_tconv *conv;
  const void *input, *weights;
  void *output;
  uint8_t *scratch;
  const float *bias;
} er_job;

static void settle_s8(const er_tconv *conv, const int64_t *sums, uint8_t *output) {
  const er_requant *r = &conv->linear.requant;
  const int64_t count = (int64_t)conv->shape.out_w * conv->shape.out_c;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t c = i % conv->shape.out_c;
    const float sum = (float)(int32_t)(sums[i] + r->bias[c]);
    output[i] = (uint8_t)er_settle(sum * r->scale[c], r->zero_point, r->low, r->high);
  }
}

static void settle_s16(const er_tconv *conv, const int64_t *sums, int16_t *output) {
  const er_requant_wide *r = &conv->linear.wide;
  const int64_t count = (int64_t)conv->shape.out_w * conv->shape.out_c;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t c = i % conv->shape.out_c;
    const er_fixed scale = {r->multiplier[c], r->exponent[c]};
    output[i] = (int16_t)er_clamp(er_mulfix_wide(sums[i] + r->bias[c], scale), r->low, r->high);
  }
}

static void work_integer(void *arg, int32_t first, int32_t last, int32_t thread) {
  const er_job *job = arg;
  const er_tconv *conv = job->conv;
  uint8_t *scratch = job->scratch + conv->thread_bytes * (size_t)thread;
  int64_t *sums = (int64_t *)(void *)scratch;
  int16_t *line = (int16_t *)(void *)(scratch + conv->sums_bytes);
  for (int32_t row = first; row < last; ++row) {
    const int64_t at = (int64_t)row * conv->shape.out_w * conv->shape.out_c;
    er_transpose_conv_sums(&conv->shape, conv->linear.type, conv->linear.zero_point, job->input,
                           job->weights, row, line, sums);
    if (conv->linear.arithmetic == ER_S8_LINEAR) {
      settle_s8(conv, sums, (uint8_t *)job->output + at);
    } else {
      settle_s16(conv, sums, (int16_t *)job->output + at);
    }
  }
}

static void work_gemm(void *arg, int32_t first, int32_t last, int32_t thread) {
  const er_job *job = arg;
  const er_tconv_gemm *gemm = &job->conv->gemm;
  void *scratch = job->scratch + gemm->thread_bytes * (size_t)thread;
  for (int32_t line = first; line < last; line++) {
    er_tconv_gemm_line(gemm, job->input, line, job->output, scratch);
  }
}

static void work_float(void *arg, int32_t first, int32_t last, int32_t thread) {
  const er_job *job = arg;
  const er_tconv *conv = job->conv;
  (void)thread;
  er_transpose_conv_f32(&conv->shape, job->input, job->weights, job->bias, conv->linear.bounds.low,
                        conv->linear.bounds.high, job->output, first, last);
}

static edgert_status run(const er_run *run, const er_node *node) {
  const er_tconv *conv = node->data;
  const er_conv_shape *s = &conv->shape;
  const int32_t *planned = er_out(run, node, 0)->dims;
  if (memcmp(er_in_data(run, node, INPUT_SHAPE), planned, 4 * sizeof *planned) != 0) {
    return er_run_fail(run, node, "got another output shape than the planned [%d, %d, %d, %d]",
                       (int)planned[0], (int)planned[1], (int)planned[2], (int)planned[3]);
  }
  er_job job = {conv,
                er_in_data(run, node, INPUT_IMAGE),
                conv->weights != NULL ? conv->weights : er_in_data(run, node, INPUT_WEIGHTS),
                er_out_data(run, node, 0),
                run->scratch,
                er_in_data(run, node, INPUT_BIAS)};
  if (conv->on_gemm) {
    er_parallel(run, s->batch * s->out_h, work_gemm, &job);
  } else if (conv->linear.arithmetic == ER_FLOAT_LINEAR) {
    er_parallel(run, s->batch, work_float, &job);
  } else {
    er_parallel(run, s->batch * s->out_h, work_integer, &job);
  }
  return EDGERT_OK;
}

const er_op er_op_transpose_conv = {
    .builtin = 67, .name = "TRANSPOSE_CONV", .prepare = prepare, .run = run};
