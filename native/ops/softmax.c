/* SOFTMAX, LOG_SOFTMAX and L2_NORMALIZATION: each works on rows of the last dimension. */
#include <math.h>

#include "activation.h"
#include "kernels/float.h"
#include "kernels/kernels.h"
#include "kernels/table16.h"
#include "shape.h"
#include "spread.h"

typedef enum er_norm { ER_SOFTMAX, ER_LOG_SOFTMAX, ER_L2_NORM } er_norm;

typedef struct er_rows_plan {
  er_norm norm;
  edgert_type type;
  int64_t rows;
  int32_t depth;
  int64_t element_bytes;
  float beta;
  er_real_rows real;       /* the integer rules that work on real numbers */
  float exponentials[256]; /* SOFTMAX of 8 bits */
  er_softmax16 *wide;      /* SOFTMAX of 16 bits */
} er_rows_plan;

static void fill_exponentials(er_rows_plan *p, float input_scale) {
  const float step = -(input_scale * p->beta);
  for (int32_t d = 0; d < 256; ++d) {
    p->exponentials[d] = (float)exp((double)(step * (float)d));
  }
}

/* LiteRT takes no other output scale. The sum of a row must stay within 31 bits. */
static edgert_status plan_softmax_s16(er_plan *plan, er_node *node, er_rows_plan *p,
                                      const er_tensor *input, const er_tensor *output) {
  enum { MOST_DEPTH = 65535 };
  if (output->quant.scale[0] != 0x1p-15f || p->depth > MOST_DEPTH) {
    return er_plan_fail(plan, node, EDGERT_UNSUPPORTED,
                        "has output scale %g and rows of %d; of int16 values only 1/32768 and at "
                        "most %d are known",
                        (double)output->quant.scale[0], p->depth, MOST_DEPTH);
  }
  p->wide = er_plan_alloc(plan, sizeof *p->wide);
  if (p->wide == NULL) return er_plan_no_memory(plan);
  if (er_softmax16_for(input->quant.scale[0], p->beta, p->wide)) return EDGERT_OK;
  return er_plan_fail(plan, node, EDGERT_UNSUPPORTED, "has scale %g and beta %g out of range",
                      (double)input->quant.scale[0], (double)p->beta);
}

static edgert_status plan_integers(er_plan *plan, er_node *node, er_rows_plan *p,
                                   const er_tensor *input, const er_tensor *output) {
  const int32_t types[] = {EDGERT_INT8, EDGERT_UINT8, EDGERT_INT16, -1};
  ER_TRY(er_plan_want_type(plan, node, input, types));
  ER_TRY(er_want_per_tensor(plan, node, input));
  ER_TRY(er_want_per_tensor(plan, node, output));
  const er_range range = er_type_range(output->type);
  p->real = (er_real_rows){.type = p->type,
                           .in_scale = (double)input->quant.scale[0] * (double)p->beta,
                           .in_zero = input->quant.zero_point[0],
                           .out_scale = (double)output->quant.scale[0],
                           .out_zero = output->quant.zero_point[0],
                           .low = range.low,
                           .high = range.high};
  fill_exponentials(p, input->quant.scale[0]);
  if (p->norm == ER_SOFTMAX && p->type == EDGERT_INT16) {
    return plan_softmax_s16(plan, node, p, input, output);
  }
  return EDGERT_OK;
}

static edgert_status prepare(er_plan *plan, er_node *node, er_norm norm, float beta) {
  ER_TRY(er_plan_want_counts(plan, node, 1, 1, 1));
  er_rows_plan *p = er_plan_alloc(plan, sizeof *p);
  if (p == NULL) return er_plan_no_memory(plan);
  const er_tensor *input = er_plan_input(plan, node, 0), *output = er_plan_output(plan, node, 0);
  ER_TRY(er_want_same_type(plan, node, input, output));
  ER_TRY(er_plan_set_shape(plan, node, 0, input->rank, input->dims));
  p->norm = norm;
  p->type = input->type;
  p->depth = input->rank == 0 ? 1 : input->dims[input->rank - 1];
  p->rows = input->count / p->depth;
  p->beta = beta;
  p->element_bytes = er_element_bytes(input);
  node->data = p;
  if (!(beta > 0.0f && beta <= 1e6f)) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED, "has beta %g; it must lie in (0, 1e6]",
                        (double)beta);
  }
  return p->type == EDGERT_FLOAT32 ? EDGERT_OK : plan_integers(plan, node, p, input, output);
}

static edgert_status prepare_softmax(er_plan *plan, er_node *node) {
  return prepare(plan, node, ER_SOFTMAX, er_f32(node->options, 0, 0.0f));
}
static edgert_status prepare_log_softmax(er_plan *plan, er_node *node) {
  return prepare(plan, node, ER_LOG_SOFTMAX, 1.0f);
}
static edgert_status prepare_l2(er_plan *plan, er_node *node) {
  er_bounds bounds;
  ER_TRY(er_want_activation(plan, node, 0, &bounds));
  if (!isinf(bounds.low) || !isinf(bounds.high)) {
    return er_plan_fail(plan, node, EDGERT_UNSUPPORTED, "has a fused activation");
  }
  return prepare(plan, node, ER_L2_NORM, 1.0f);
}

/* What a thread needs. */
typedef struct er_job {
  const er_rows_plan *plan;
  const er_kernels *kernels;
  const char *input;
  char *output;
} er_job;

static void compute_floats(const er_job *job, int64_t rows, const float *input, float *output) {
  const er_rows_plan *p = job->plan;
  if (p->norm == ER_L2_NORM) {
    er_l2_normalization_f32(rows, p->depth, input, output);
  } else {
    job->kernels->softmax_f32(p->norm == ER_LOG_SOFTMAX, rows, p->depth, p->beta, input, output);
  }
}

static void compute_s16(const er_rows_plan *p, int64_t rows, const void *input, void *output) {
  if (p->norm == ER_LOG_SOFTMAX) {
    er_log_softmax_s16(&p->real, rows, p->depth, input, output);
  } else {
    er_softmax_s16(p->wide, rows, p->depth, input, output);
  }
}

static void compute_integers(const er_job *job, int64_t rows, const void *input, void *output) {
  const er_rows_plan *p = job->plan;
  const bool is_unsigned = p->type == EDGERT_UINT8;
  if (p->norm == ER_L2_NORM) {
    er_l2_normalization_integer(&p->real, rows, p->depth, input, output);
  } else if (p->type == EDGERT_INT16) {
    compute_s16(p, rows, input, output);
  } else if (p->norm == ER_LOG_SOFTMAX) {
    er_log_softmax_s8(rows, p->depth, p->exponentials, (float)p->real.in_scale,
                      (float)p->real.out_scale, p->real.out_zero, is_unsigned, input, output);
  } else {
    job->kernels->softmax_s8(rows, p->depth, p->exponentials, (float)p->real.out_scale,
                             p->real.out_zero, is_unsigned, input, output);
  }
}

static void work(void *arg, int64_t first, int64_t last) {
  const er_job *job = arg;
  const er_rows_plan *p = job->plan;
  const int64_t at = first * p->depth * p->element_bytes;
  if (p->type == EDGERT_FLOAT32) {
    compute_floats(job, last - first, (const float *)(const void *)(job->input + at),
                   (float *)(void *)(job->output + at));
  } else {
    compute_integers(job, last - first, job->input + at, job->output + at);
  }
}

static edgert_status run(const er_run *run, const er_node *node) {
  const er_rows_plan *p = node->data;
  er_job job = {p, run->kernels, er_in_data(run, node, 0), er_out_data(run, node, 0)};
  er_spread(run, p->rows, p->depth, work, &job);
  return EDGERT_OK;
}

const er_op er_op_softmax = {
    .builtin = 25, .name = "SOFTMAX", .prepare = prepare_softmax, .run = run, .in_place = true};
const er_op er_op_log_softmax = {.builtin = 50,
                                 .name = "LOG_SOFTMAX",
                                 .prepare = prepare_log_softmax,
                                 .run = run,
                                 .in_place = true};
const er_op er_op_l2_normalization = {
    .builtin = 11, .name = "L2_NORMALIZATION", .prepare = prepare_l2, .run = run, .in_place = true};
