/* Elementwise operators on one input: floats by their kernel, 8-bit integers by a table of 256
 * results that is made in prepare, int16 one value at a time. */
#include "unary.h"

#include <math.h>
#include <string.h>

#include "kernels/float.h"
#include "kernels/kernels.h"
#include "shape.h"
#include "spread.h"
#include "unary_rule.h"

typedef struct er_unary_plan {
  er_unary op;
  edgert_type type;
  float alpha;
  int64_t count;
  int64_t element_bytes;
  er_unary_rule rule;
  uint8_t table[256]; /* 8 bits; by the stored byte */
  bool sloped;        /* 8 bits: the table is that of the slopes, for which there is a kernel */
  er_slopes slopes;
} er_unary_plan;

static void fill_table(er_unary_plan *p) {
  const er_range range = er_type_range(p->type);
  for (int32_t q = range.low; q <= range.high; ++q) {
    p->table[(uint8_t)q] = (uint8_t)p->rule.apply(&p->rule, q - p->rule.in_zero);
  }
}

static edgert_status plan_s16(er_plan *plan, er_node *node, er_unary_plan *p) {
  node->kernel = "unary_s16";
  if (!er_unary_interpolates(p->op)) return EDGERT_OK;
  er_table16 *table = er_plan_alloc(plan, sizeof *table);
  if (table == NULL) return er_plan_no_memory(plan);
  er_unary_use_table(&p->rule, table);
  return EDGERT_OK;
}

static edgert_status plan_quantized(er_plan *plan, er_node *node, er_unary_plan *p,
                                    const er_tensor *input, const er_tensor *output) {
  const int32_t types[] = {EDGERT_FLOAT32, EDGERT_INT8, EDGERT_UINT8, EDGERT_INT16, -1};
  ER_TRY(er_plan_want_type(plan, node, input, types));
  ER_TRY(er_want_per_tensor(plan, node, input));
  ER_TRY(er_want_per_tensor(plan, node, output));
  if (!er_make_unary_rule(p->op, p->alpha, input, output, &p->rule)) {
    return er_plan_fail(plan, node, EDGERT_UNSUPPORTED,
                        "has scales %g in and %g out, which lie too far apart",
                        (double)input->quant.scale[0], (double)output->quant.scale[0]);
  }
  if (p->type == EDGERT_INT16) return plan_s16(plan, node, p);
  fill_table(p);
  p->sloped = er_plan_kernels(plan)->slopes && er_unary_slopes(&p->rule, &p->slopes);
  node->kernel = p->sloped ? "slopes" : "lookup";
  return EDGERT_OK;
}

static bool is_number(const er_unary_plan *p) {
  return (p->type == EDGERT_INT32 || p->type == EDGERT_INT64) &&
         (p->op == ER_ABS || p->op == ER_NEG || p->op == ER_SQUARE);
}

static edgert_status prepare(er_plan *plan, er_node *node, er_unary op, float alpha) {
  ER_TRY(er_plan_want_counts(plan, node, 1, 1, 1));
  er_unary_plan *p = er_plan_alloc(plan, sizeof *p);
  if (p == NULL) return er_plan_no_memory(plan);
  const er_tensor *input = er_plan_input(plan, node, 0), *output = er_plan_output(plan, node, 0);
  *p = (er_unary_plan){.op = op,
                       .type = input->type,
                       .alpha = alpha,
                       .count = input->count,
                       .element_bytes = er_element_bytes(input)};
  node->data = p;
  ER_TRY(er_want_same_type(plan, node, input, output));
  ER_TRY(er_plan_set_shape(plan, node, 0, input->rank, input->dims));
  if (p->type == EDGERT_FLOAT32) {
    node->kernel = "unary_f32";
    return EDGERT_OK;
  }
  if (is_number(p)) return EDGERT_OK;
  return plan_quantized(plan, node, p, input, output);
}

static void run_s16(const er_unary_plan *p, int64_t count, const int16_t *input, int16_t *output) {
  for (int64_t i = 0; i < count; ++i) {
    output[i] = (int16_t)p->rule.apply(&p->rule, input[i] - p->rule.in_zero);
  }
}

/* Overflow wraps, so the arithmetic is unsigned. */
static uint64_t number(er_unary op, int64_t value) {
  const uint64_t bits = (uint64_t)value;
  if (op == ER_SQUARE) return bits * bits;
  return op == ER_NEG || value < 0 ? 0 - bits : bits;
}

static void run_numbers(const er_unary_plan *p, int64_t count, const void *input, void *output) {
  for (int64_t i = 0; i < count; ++i) {
    if (p->type == EDGERT_INT64) {
      ((int64_t *)output)[i] = (int64_t)number(p->op, ((const int64_t *)input)[i]);
    } else {
      ((int32_t *)output)[i] = (int32_t)(uint32_t)number(p->op, ((const int32_t *)input)[i]);
    }
  }
}

/* What a thread needs. */
typedef struct er_job {
  const er_unary_plan *plan;
  const er_kernels *kernels;
  const char *input;
  char *output;
} er_job;

static void work(void *arg, int64_t first, int64_t last) {
  const er_job *job = arg;
  const er_unary_plan *p = job->plan;
  const void *input = job->input + first * p->element_bytes;
  void *output = job->output + first * p->element_bytes;
  const int64_t count = last - first;
  if (p->type == EDGERT_FLOAT32) {
    job->kernels->unary_f32(p->op, p->alpha, count, input, output);
  } else if (is_number(p)) {
    run_numbers(p, count, input, output);
  } else if (p->sloped) {
    job->kernels->slopes(&p->slopes, p->type == EDGERT_UINT8, count, input, output);
  } else if (p->type != EDGERT_INT16) {
    job->kernels->lookup(p->table, count, input, output);
  } else {
    run_s16(p, count, input, output);
  }
}

static edgert_status run(const er_run *run, const er_node *node) {
  const er_unary_plan *p = node->data;
  er_job job = {p, run->kernels, er_in_data(run, node, 0), er_out_data(run, node, 0)};
  er_spread(run, p->count, 1, work, &job);
  return EDGERT_OK;
}

const uint8_t *er_unary_table(const er_node *node) {
  if (node->op->run != run) return NULL;
  const er_unary_plan *p = node->data;
  return p->type == EDGERT_INT8 || p->type == EDGERT_UINT8 ? p->table : NULL;
}

void *er_unary_with_table(er_plan *plan, const er_node *node, const uint8_t *table) {
  er_unary_plan *p = er_plan_alloc(plan, sizeof *p);
  if (p == NULL) return NULL;
  *p = *(const er_unary_plan *)node->data;
  memcpy(p->table, table, sizeof p->table);
  p->sloped = false;
  return p;
}

bool er_unary_bounds(const er_node *node, er_bounds *bounds) {
  static const er_bounds of[] = {[ER_RELU] = {0.0f, INFINITY},
                                 [ER_RELU6] = {0.0f, 6.0f},
                                 [ER_RELU_0_TO_1] = {0.0f, 1.0f},
                                 [ER_RELU_N1_TO_1] = {-1.0f, 1.0f}};
  const er_unary_plan *p = node->op->run == run ? node->data : NULL;
  if (!p || p->type != EDGERT_FLOAT32 || (size_t)p->op >= sizeof of / sizeof *of) return false;
  *bounds = of[p->op];
  return bounds->low < bounds->high;
}

static edgert_status prepare_leaky_relu(er_plan *plan, er_node *node) {
  const float alpha = er_f32(node->options, 0, 0.0f);
  if (!(fabsf(alpha) <= 1e6f)) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED, "has slope %g; at most 1e6 is allowed",
                        (double)alpha);
  }
  return prepare(plan, node, ER_LEAKY_RELU, alpha);
}
const er_op er_op_leaky_relu = {.builtin = 98,
                                .name = "LEAKY_RELU",
                                .prepare = prepare_leaky_relu,
                                .run = run,
                                .in_place = true};

static edgert_status prepare_gelu(er_plan *plan, er_node *node) {
  return prepare(plan, node, er_bool(node->options, 0, false) ? ER_GELU_TANH : ER_GELU, 0.0f);
}
const er_op er_op_gelu = {
    .builtin = 150, .name = "GELU", .prepare = prepare_gelu, .run = run, .in_place = true};

#define UNARY(symbol, number, text, operation)                          \
  static edgert_status prepare_##symbol(er_plan *plan, er_node *node) { \
    return prepare(plan, node, operation, 0.0f);                        \
  }                                                                     \
  const er_op er_op_##symbol = {                                        \
      .builtin = number, .name = text, .prepare = prepare_##symbol, .run = run, .in_place = true};

UNARY(floor, 8, "FLOOR", ER_FLOOR)
UNARY(logistic, 14, "LOGISTIC", ER_LOGISTIC)
UNARY(relu, 19, "RELU", ER_RELU)
UNARY(relu_n1_to_1, 20, "RELU_N1_TO_1", ER_RELU_N1_TO_1)
UNARY(relu6, 21, "RELU6", ER_RELU6)
UNARY(tanh, 28, "TANH", ER_TANH)
UNARY(exp, 47, "EXP", ER_EXP)
UNARY(neg, 59, "NEG", ER_NEG)
UNARY(sin, 66, "SIN", ER_SIN)
UNARY(log, 73, "LOG", ER_LOG)
UNARY(sqrt, 75, "SQRT", ER_SQRT)
UNARY(rsqrt, 76, "RSQRT", ER_RSQRT)
UNARY(square, 92, "SQUARE", ER_SQUARE)
UNARY(abs, 101, "ABS", ER_ABS)
UNARY(ceil, 104, "CEIL", ER_CEIL)
UNARY(cos, 108, "COS", ER_COS)
UNARY(elu, 111, "ELU", ER_ELU)
UNARY(round, 116, "ROUND", ER_ROUND)
UNARY(hard_swish, 117, "HARD_SWISH", ER_HARD_SWISH)
UNARY(relu_0_to_1, 152, "RELU_0_TO_1", ER_RELU_0_TO_1)
UNARY(sign, 158, "SIGN", ER_SIGN)
