/* QUANTIZE (also from one quantized type to another) and DEQUANTIZE. */
#include <math.h>
#include <string.h>

#include "activation.h"
#include "kernels/kernels.h"
#include "shape.h"
#include "spread.h"
#include "unary_rule.h"

typedef enum er_way {
  ER_FROM_FLOAT,
  ER_BY_TABLE,  /* 8 bits to 8 bits */
  ER_BY_SLOPES, /* the same where there is a kernel */
  ER_BY_FACTOR,
  ER_TO_FLOAT,
  ER_TO_FLOAT_BY_CHANNEL,
  ER_FROM_HALF
} er_way;

typedef struct er_quantize_plan {
  er_way way;
  edgert_type in, out;
  int64_t count;
  int64_t in_bytes, out_bytes; /* of an element */
  float factor;                /* FROM_FLOAT: 1 / scale; TO_FLOAT: scale */
  int32_t in_zero, out_zero;
  er_fixed fixed;
  const er_quant *channels; /* BY_CHANNEL: scales and zero points */
  int64_t inner;            /* BY_CHANNEL: elements of one channel that lie together */
  uint8_t table[256];
  er_slopes slopes; /* BY_SLOPES */
} er_quantize_plan;

static bool is_byte(edgert_type type) { return type == EDGERT_INT8 || type == EDGERT_UINT8; }

/* XNNPACK's 8-bit fixed point, where the type stays: LEAKY_RELU with one slope. */
static void plan_near(er_plan *plan, er_node *node, er_quantize_plan *p, const er_tensor *input,
                      const er_tensor *output) {
  const er_range range = er_type_range(p->out);
  er_unary_rule rule;
  er_make_unary_rule(ER_LEAKY_RELU, 1.0f, input, output, &rule);
  for (int32_t q = range.low; q <= range.high; ++q) {
    p->table[(uint8_t)q] = (uint8_t)rule.apply(&rule, q - p->in_zero);
  }
  if (!er_plan_kernels(plan)->slopes || !er_unary_slopes(&rule, &p->slopes)) return;
  p->way = ER_BY_SLOPES;
  node->kernel = "slopes";
}

/* LiteRT's 31-bit fixed point, where signed becomes unsigned or the reverse. */
static void fill_far(er_quantize_plan *p) {
  for (int32_t byte = 0; byte < 256; ++byte) {
    const uint8_t input = (uint8_t)byte;
    er_rescale(p->in, p->out, p->in_zero, p->fixed, p->out_zero, 1, &input, &p->table[byte]);
  }
}

static edgert_status plan_rescale(er_plan *plan, er_node *node, er_quantize_plan *p,
                                  const er_tensor *input, const er_tensor *output) {
  const float si = input->quant.scale[0], so = output->quant.scale[0];
  p->in_zero = input->quant.zero_point[0];
  p->fixed = er_fixed_from((double)si / (double)so);
  if (p->fixed.multiplier == 0) {
    return er_plan_fail(plan, node, EDGERT_UNSUPPORTED, "rescales by %g; allowed is 2^-32 to 2^30",
                        (double)si / (double)so);
  }
  p->way = is_byte(p->in) && is_byte(p->out) ? ER_BY_TABLE : ER_BY_FACTOR;
  node->kernel = p->way == ER_BY_TABLE ? "lookup" : "rescale";
  if (p->way == ER_BY_TABLE && p->in != p->out) fill_far(p);
  if (p->way == ER_BY_TABLE && p->in == p->out) plan_near(plan, node, p, input, output);
  return EDGERT_OK;
}

static er_quantize_plan *begin(er_plan *plan, er_node *node) {
  er_quantize_plan *p = er_plan_alloc(plan, sizeof *p);
  if (p == NULL) return NULL;
  p->in = er_plan_input(plan, node, 0)->type;
  p->out = er_plan_output(plan, node, 0)->type;
  p->count = er_plan_input(plan, node, 0)->count;
  p->in_bytes = er_element_bytes(er_plan_input(plan, node, 0));
  p->out_bytes = er_element_bytes(er_plan_output(plan, node, 0));
  node->data = p;
  return p;
}

static edgert_status prepare_quantize(er_plan *plan, er_node *node) {
  ER_TRY(er_plan_want_counts(plan, node, 1, 1, 1));
  const er_tensor *input = er_plan_input(plan, node, 0), *output = er_plan_output(plan, node, 0);
  const int32_t quantized[] = {EDGERT_INT8, EDGERT_UINT8, EDGERT_INT16, EDGERT_INT32, -1};
  er_quantize_plan *p = begin(plan, node);
  if (p == NULL) return er_plan_no_memory(plan);
  ER_TRY(er_plan_want_type(plan, node, output, quantized));
  ER_TRY(er_want_per_tensor(plan, node, output));
  ER_TRY(er_plan_set_shape(plan, node, 0, input->rank, input->dims));
  p->out_zero = output->quant.zero_point[0];
  if (p->in != EDGERT_FLOAT32) {
    ER_TRY(er_plan_want_type(plan, node, input, quantized));
    ER_TRY(er_want_per_tensor(plan, node, input));
    return plan_rescale(plan, node, p, input, output);
  }
  if (p->out == EDGERT_INT32) {
    return er_plan_fail(plan, node, EDGERT_UNSUPPORTED, "makes int32 of float32");
  }
  p->way = ER_FROM_FLOAT;
  p->factor = 1.0f / output->quant.scale[0];
  node->kernel = "quantize";
  return EDGERT_OK;
}

/* Weights that float operators read: one scale for each channel. */
static void plan_channels(er_quantize_plan *p, const er_tensor *input) {
  p->way = ER_TO_FLOAT_BY_CHANNEL;
  p->channels = &input->quant;
  p->inner = 1;
  for (int32_t d = input->quant.axis + 1; d < input->rank; ++d) p->inner *= input->dims[d];
}

static edgert_status prepare_dequantize(er_plan *plan, er_node *node) {
  ER_TRY(er_plan_want_counts(plan, node, 1, 1, 1));
  const er_tensor *input = er_plan_input(plan, node, 0);
  const int32_t ins[] = {EDGERT_FLOAT16, EDGERT_INT4,  EDGERT_INT8, EDGERT_UINT8,
                         EDGERT_INT16,   EDGERT_INT32, -1};
  const int32_t outs[] = {EDGERT_FLOAT32, -1};
  er_quantize_plan *p = begin(plan, node);
  if (p == NULL) return er_plan_no_memory(plan);
  ER_TRY(er_plan_want_type(plan, node, input, ins));
  ER_TRY(er_plan_want_type(plan, node, er_plan_output(plan, node, 0), outs));
  ER_TRY(er_plan_set_shape(plan, node, 0, input->rank, input->dims));
  p->way = ER_FROM_HALF;
  node->kernel = "half_to_float";
  if (p->in == EDGERT_FLOAT16) return EDGERT_OK;
  if (input->quant.count > 1) {
    plan_channels(p, input);
    node->kernel = "dequantize_channels";
    return EDGERT_OK;
  }
  ER_TRY(er_want_per_tensor(plan, node, input));
  p->way = ER_TO_FLOAT;
  p->factor = input->quant.scale[0];
  p->in_zero = input->quant.zero_point[0];
  node->kernel = "dequantize";
  return EDGERT_OK;
}

/* What a thread needs. */
typedef struct er_job {
  const er_quantize_plan *plan;
  const er_kernels *kernels;
  const char *input;
  char *output;
} er_job;

enum { BLOCK = 256 };

/* Elements [first, first + count) of one scale; those of 4 bits become bytes, a block at a time. */
static void to_float(const er_job *job, float scale, int32_t zero, int64_t first, int64_t count) {
  const er_quantize_plan *p = job->plan;
  float *output = (float *)(void *)job->output + first;
  if (p->in != EDGERT_INT4) {
    const void *input = job->input + first * p->in_bytes;
    job->kernels->dequantize(p->in, scale, zero, count, input, output);
    return;
  }
  int8_t values[BLOCK];
  for (int64_t at = 0; at < count; at += BLOCK) {
    const int64_t here = count - at < BLOCK ? count - at : BLOCK;
    for (int64_t i = 0; i < here; i++) {
      const int64_t element = first + at + i;
      const int32_t nibble = (uint8_t)job->input[element / 2] >> (element % 2 * 4) & 15;
      values[i] = (int8_t)((nibble ^ 8) - 8);
    }
    job->kernels->dequantize(EDGERT_INT8, scale, zero, here, values, output + at);
  }
}

/* Elements first..last, cut where the channel changes. */
static void dequantize_channels(const er_job *job, int64_t first, int64_t last) {
  const er_quantize_plan *p = job->plan;
  while (first < last) {
    const int64_t run_of_channel = first / p->inner;
    const int64_t channel = run_of_channel % p->channels->count;
    const int64_t ends = (run_of_channel + 1) * p->inner, end = ends < last ? ends : last;
    to_float(job, p->channels->scale[channel], p->channels->zero_point[channel], first,
             end - first);
    first = end;
  }
}

static void work(void *arg, int64_t first, int64_t last) {
  const er_job *job = arg;
  const er_quantize_plan *p = job->plan;
  const void *input = job->input + first * p->in_bytes;
  void *output = job->output + first * p->out_bytes;
  const int64_t count = last - first;
  switch (p->way) {
    case ER_FROM_FLOAT:
      job->kernels->quantize(p->out, p->factor, p->out_zero, count, input, output);
      break;
    case ER_BY_TABLE:
      job->kernels->lookup(p->table, count, input, output);
      break;
    case ER_BY_SLOPES:
      job->kernels->slopes(&p->slopes, p->in == EDGERT_UINT8, count, input, output);
      break;
    case ER_BY_FACTOR:
      er_rescale(p->in, p->out, p->in_zero, p->fixed, p->out_zero, count, input, output);
      break;
    case ER_TO_FLOAT:
      to_float(job, p->factor, p->in_zero, first, count);
      break;
    case ER_TO_FLOAT_BY_CHANNEL:
      dequantize_channels(job, first, last);
      break;
    case ER_FROM_HALF:
      er_half_to_float(count, input, output);
  }
}

static edgert_status run(const er_run *run, const er_node *node) {
  const er_quantize_plan *p = node->data;
  er_job job = {p, run->kernels, er_in_data(run, node, 0), er_out_data(run, node, 0)};
  er_spread(run, p->count, 1, work, &job);
  return EDGERT_OK;
}

const er_op er_op_quantize = {
    .builtin = 114, .name = "QUANTIZE", .prepare = prepare_quantize, .run = run};
const er_op er_op_dequantize = {
    .builtin = 6, .name = "DEQUANTIZE", .prepare = prepare_dequantize, .run = run};
