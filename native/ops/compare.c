/* EQUAL .. GREATER_EQUAL, LOGICAL_AND, LOGICAL_OR with broadcasting, and LOGICAL_NOT. */
#include "kernels/compare.h"

#include "activation.h"
#include "broadcast.h"
#include "kernels/kernels.h"
#include "shape.h"

typedef struct er_compare {
  er_broadcast rows;
  er_compare_row row;
  er_comparison op;
  int64_t element_bytes;
  /* 8-bit inputs of different quantization are compared by their real values. */
  float *real[2]; /* [256] by the stored byte, or NULL */
} er_compare;

static bool same_quant(const er_tensor *a, const er_tensor *b) {
  return a->quant.scale[0] == b->quant.scale[0] && a->quant.zero_point[0] == b->quant.zero_point[0];
}

static edgert_status real_values(er_plan *plan, const er_tensor *tensor, float **real) {
  *real = er_plan_alloc(plan, 256 * sizeof **real);
  if (*real == NULL) return er_plan_no_memory(plan);
  for (int32_t byte = 0; byte < 256; ++byte) {
    const int32_t stored = tensor->type == EDGERT_INT8 ? (int8_t)byte : byte;
    (*real)[byte] = tensor->quant.scale[0] * (float)(stored - tensor->quant.zero_point[0]);
  }
  return EDGERT_OK;
}

static edgert_status plan_quantized(er_plan *plan, const er_node *node, er_compare *compare,
                                    const er_tensor *a, const er_tensor *b) {
  ER_TRY(er_want_per_tensor(plan, node, a));
  ER_TRY(er_want_per_tensor(plan, node, b));
  if (same_quant(a, b)) return EDGERT_OK;
  const int32_t types[] = {EDGERT_INT8, EDGERT_UINT8, -1};
  ER_TRY(er_plan_want_type(plan, node, a, types));
  ER_TRY(real_values(plan, a, &compare->real[0]));
  compare->row = er_plan_kernels(plan)->compare_for(compare->op, EDGERT_FLOAT32);
  return real_values(plan, b, &compare->real[1]);
}

static edgert_status prepare(er_plan *plan, er_node *node, er_comparison op) {
  const int32_t bools[] = {EDGERT_BOOL, -1};
  ER_TRY(er_plan_want_counts(plan, node, 2, 2, 1));
  const er_tensor *a = er_plan_input(plan, node, 0), *b = er_plan_input(plan, node, 1);
  ER_TRY(er_want_same_type(plan, node, a, b));
  ER_TRY(er_plan_want_type(plan, node, er_plan_output(plan, node, 0), bools));
  er_compare *compare = er_plan_alloc(plan, sizeof *compare);
  if (compare == NULL) return er_plan_no_memory(plan);
  compare->op = op;
  compare->row = er_plan_kernels(plan)->compare_for(op, a->type);
  if (compare->row == NULL) {
    return er_plan_fail(plan, node, EDGERT_UNSUPPORTED,
                        "cannot compare tensor '%s' with element type number %d", a->name,
                        (int)a->type);
  }
  compare->element_bytes = er_element_bytes(a);
  if (er_is_quantized(a) && er_is_quantized(b)) {
    ER_TRY(plan_quantized(plan, node, compare, a, b));
  }
  node->data = compare;
  return er_plan_broadcast(plan, node, &compare->rows);
}

/* Compare real values, a few at a time. */
static void run_real(const er_compare *compare, const uint8_t *a, const uint8_t *b,
                     uint8_t *output) {
  enum { CHUNK = 128 };
  float x[CHUNK], y[CHUNK];
  const er_broadcast *rows = &compare->rows;
  for (int32_t at = 0; at < rows->count; at += CHUNK) {
    const int32_t part = rows->count - at < CHUNK ? rows->count - at : CHUNK;
    for (int32_t i = 0; i < part; ++i) {
      x[i] = compare->real[0][a[(int64_t)(at + i) * rows->a_step]];
      y[i] = compare->real[1][b[(int64_t)(at + i) * rows->b_step]];
    }
    compare->row(part, x, 1, y, 1, output + at);
  }
}

static edgert_status run(const er_run *run, const er_node *node) {
  const er_compare *compare = node->data;
  const er_broadcast *rows = &compare->rows;
  const uint8_t *a = er_in_data(run, node, 0), *b = er_in_data(run, node, 1);
  uint8_t *output = er_out_data(run, node, 0);
  er_row row = er_row_at(rows, 0);
  for (int64_t r = 0; r < rows->rows; ++r, er_row_next(rows, 1, &row)) {
    const uint8_t *x = a + row.a * compare->element_bytes, *y = b + row.b * compare->element_bytes;
    if (compare->real[0] != NULL) {
      run_real(compare, x, y, output + r * rows->count);
    } else {
      compare->row(rows->count, x, rows->a_step, y, rows->b_step, output + r * rows->count);
    }
  }
  return EDGERT_OK;
}

static edgert_status prepare_not(er_plan *plan, er_node *node) {
  const int32_t bools[] = {EDGERT_BOOL, -1};
  ER_TRY(er_plan_want_counts(plan, node, 1, 1, 1));
  const er_tensor *input = er_plan_input(plan, node, 0);
  ER_TRY(er_plan_want_type(plan, node, input, bools));
  ER_TRY(er_plan_want_type(plan, node, er_plan_output(plan, node, 0), bools));
  return er_plan_set_shape(plan, node, 0, input->rank, input->dims);
}

static edgert_status run_not(const er_run *run, const er_node *node) {
  const uint8_t *input = er_in_data(run, node, 0);
  uint8_t *output = er_out_data(run, node, 0);
  for (int64_t i = 0; i < er_in(run, node, 0)->count; ++i) output[i] = !input[i];
  return EDGERT_OK;
}

#define COMPARE(symbol, number, text, operation)                        \
  static edgert_status prepare_##symbol(er_plan *plan, er_node *node) { \
    return prepare(plan, node, operation);                              \
  }                                                                     \
  const er_op er_op_##symbol = {                                        \
      .builtin = number, .name = text, .prepare = prepare_##symbol, .run = run};

COMPARE(less, 58, "LESS", ER_LESS)
COMPARE(greater, 61, "GREATER", ER_GREATER)
COMPARE(greater_equal, 62, "GREATER_EQUAL", ER_GREATER_EQUAL)
COMPARE(less_equal, 63, "LESS_EQUAL", ER_LESS_EQUAL)
COMPARE(equal, 71, "EQUAL", ER_EQUAL)
COMPARE(not_equal, 72, "NOT_EQUAL", ER_NOT_EQUAL)
COMPARE(logical_or, 84, "LOGICAL_OR", ER_LOGICAL_OR)
COMPARE(logical_and, 86, "LOGICAL_AND", ER_LOGICAL_AND)

const er_op er_op_logical_not = {
    .builtin = 87, .name = "LOGICAL_NOT", .prepare = prepare_not, .run = run_not};
