/* Elementwise operators on two inputs with broadcasting. Which rows a kernel computes is decided
 * here; what is computed for a type is decided in binary_quantized.c. */
#include "binary.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "kernels/float.h"
#include "shape.h"
#include "spread.h"

static edgert_status float_rows(const er_binary_plan *p, int32_t count, const void *a,
                                const void *b, void *output) {
  p->kernels->binary_f32(p->op, count, a, p->rows.a_step, b, p->rows.b_step, p->bounds.low,
                         p->bounds.high, output);
  return EDGERT_OK;
}

static edgert_status integer_rows(const er_binary_plan *p, int32_t count, const void *a,
                                  const void *b, void *output) {
  const bool defined = er_integer_binary_row(p->op, p->type, p->range, count, a, p->rows.a_step, b,
                                             p->rows.b_step, output);
  return defined ? EDGERT_OK : EDGERT_RUN_TIME;
}

/* The bounds of a fused activation on plain integers. */
static er_wide_range integer_range(er_bounds bounds) {
  return (er_wide_range){isinf(bounds.low) ? INT64_MIN : (int64_t)bounds.low,
                         isinf(bounds.high) ? INT64_MAX : (int64_t)bounds.high};
}

static edgert_status choose(er_plan *plan, er_node *node, er_binary_plan *p, const er_tensor *a,
                            const er_tensor *b, const er_tensor *output) {
  if (p->type == EDGERT_FLOAT32) {
    p->run = float_rows;
    node->kernel = "binary_f32";
    return EDGERT_OK;
  }
  if (er_is_quantized(output)) return er_plan_quantized_binary(plan, node, p, a, b, output);
  const int32_t types[] = {EDGERT_INT32, EDGERT_INT64, -1};
  ER_TRY(er_plan_want_type(plan, node, a, types));
  p->run = integer_rows;
  p->range = integer_range(p->bounds);
  node->kernel = "binary_integer";
  return EDGERT_OK;
}

/* `activation_slot` is -1 for operators without a fused activation. */
static edgert_status prepare(er_plan *plan, er_node *node, er_binary op, int activation_slot) {
  ER_TRY(er_plan_want_counts(plan, node, 2, 2, 1));
  er_binary_plan *p = er_plan_alloc(plan, sizeof *p);
  if (p == NULL) return er_plan_no_memory(plan);
  p->kernels = er_plan_kernels(plan);
  const er_tensor *a = er_plan_input(plan, node, 0), *b = er_plan_input(plan, node, 1);
  const er_tensor *output = er_plan_output(plan, node, 0);
  p->op = op;
  p->type = a->type;
  p->bounds = (er_bounds){-INFINITY, INFINITY};
  if (activation_slot >= 0) {
    ER_TRY(er_want_activation(plan, node, activation_slot, &p->bounds));
  }
  ER_TRY(er_want_same_type(plan, node, a, b));
  ER_TRY(er_want_same_type(plan, node, a, output));
  ER_TRY(er_want_whole_bytes(plan, node, a));
  ER_TRY(er_plan_broadcast(plan, node, &p->rows));
  p->element_bytes = er_element_bytes(a);
  ER_TRY(choose(plan, node, p, a, b, output));
  node->data = p;
  return EDGERT_OK;
}

/* What a thread needs. */
typedef struct er_job {
  const er_binary_plan *plan;
  const uint8_t *a, *b;
  uint8_t *output;
  atomic_int status;
} er_job;

static void note(er_job *job, edgert_status status) {
  if (status != EDGERT_OK) atomic_store(&job->status, (int)status);
}

/* Elements [first, last) of a single row. */
static void work_elements(void *arg, int64_t first, int64_t last) {
  er_job *job = arg;
  const er_binary_plan *p = job->plan;
  note(job, p->run(p, (int32_t)(last - first), job->a + first * p->rows.a_step * p->element_bytes,
                   job->b + first * p->rows.b_step * p->element_bytes,
                   job->output + first * p->element_bytes));
}

/* Short rows that meet the same row again and again, as images meet a value for each channel, are
 * computed many at once: with copies of that row side by side. */
enum { COPIES_BYTES = 2048 };

typedef struct er_copies {
  int32_t rows;          /* that a call computes; 1: no copies are made */
  bool of_a;             /* which argument is repeated */
  const uint8_t *source; /* of the copies there are, or NULL */
  uint8_t bytes[COPIES_BYTES];
} er_copies;

static void plan_copies(const er_binary_plan *p, er_copies *copies) {
  const er_broadcast *o = &p->rows;
  const int32_t inner = o->rank - 1;
  int64_t fitting = COPIES_BYTES / (o->count * p->element_bytes);
  if (fitting > o->dims[inner]) fitting = o->dims[inner]; /* no call takes more rows */
  const bool a_again = o->a_stride[inner] == 0 && o->b_stride[inner] == o->count;
  const bool b_again = o->b_stride[inner] == 0 && o->a_stride[inner] == o->count;
  const bool whole = o->a_step == 1 && o->b_step == 1 && (a_again || b_again);
  copies->rows = whole && fitting > 1 ? (int32_t)fitting : 1;
  copies->of_a = a_again;
  copies->source = NULL;
}

/* @return the row at `source` as often as a call needs it */
static const uint8_t *copies_of(er_copies *copies, const uint8_t *source, int64_t row_bytes) {
  if (copies->rows == 1) return source;
  if (source != copies->source) {
    for (int32_t i = 0; i < copies->rows; i++) {
      memcpy(copies->bytes + i * row_bytes, source, (size_t)row_bytes);
    }
    copies->source = source;
  }
  return copies->bytes;
}

static void work_rows(void *arg, int64_t first, int64_t last) {
  er_job *job = arg;
  const er_binary_plan *p = job->plan;
  const er_broadcast *o = &p->rows;
  const int64_t bytes = o->count * p->element_bytes;
  er_copies copies;
  plan_copies(p, &copies);
  er_row row = er_row_at(o, first);
  for (int64_t r = first, rows; r < last; r += rows) {
    rows = o->dims[o->rank - 1] - row.at[o->rank - 1];
    if (rows > copies.rows) rows = copies.rows;
    if (rows > last - r) rows = last - r;
    const uint8_t *a = job->a + row.a * p->element_bytes, *b = job->b + row.b * p->element_bytes;
    *(copies.of_a ? &a : &b) = copies_of(&copies, copies.of_a ? a : b, bytes);
    note(job, p->run(p, (int32_t)(rows * o->count), a, b, job->output + r * bytes));
    er_row_next(o, (int32_t)rows, &row);
  }
}

static edgert_status run(const er_run *run, const er_node *node) {
  const er_binary_plan *p = node->data;
  er_job job = {.plan = p,
                .a = er_in_data(run, node, 0),
                .b = er_in_data(run, node, 1),
                .output = er_out_data(run, node, 0)};
  if (p->rows.rows == 1) {
    er_spread(run, p->rows.count, 1, work_elements, &job);
  } else {
    er_spread(run, p->rows.rows, p->rows.count, work_rows, &job);
  }
  if (atomic_load(&job.status) == EDGERT_OK) return EDGERT_OK;
  return er_run_fail(run, node, "divides by zero or raises to a negative power");
}

const er_binary_plan *er_plain_binary(const er_node *node) {
  if (node->op->run != run) return NULL;
  const er_binary_plan *p = node->data;
  const bool plain = p->rows.rank == 0 && p->rows.a_step == 1 && p->rows.b_step == 1;
  return plain && p->run != integer_rows ? p : NULL;
}

er_binary_plan *er_float_binary(const er_node *node) {
  er_binary_plan *p = node->op->run == run ? node->data : NULL;
  return p && p->type == EDGERT_FLOAT32 ? p : NULL;
}

#define BINARY(symbol, number, text, operation, slot)                   \
  static edgert_status prepare_##symbol(er_plan *plan, er_node *node) { \
    return prepare(plan, node, operation, slot);                        \
  }                                                                     \
  const er_op er_op_##symbol = {                                        \
      .builtin = number, .name = text, .prepare = prepare_##symbol, .run = run};

BINARY(add, 0, "ADD", ER_ADD, 0)
BINARY(mul, 18, "MUL", ER_MUL, 0)
BINARY(sub, 41, "SUB", ER_SUB, 0)
BINARY(div, 42, "DIV", ER_DIV, 0)
BINARY(prelu, 54, "PRELU", ER_PRELU, -1)
BINARY(maximum, 55, "MAXIMUM", ER_MAXIMUM, -1)
BINARY(minimum, 57, "MINIMUM", ER_MINIMUM, -1)
BINARY(pow, 78, "POW", ER_POW, -1)
BINARY(floor_div, 90, "FLOOR_DIV", ER_FLOOR_DIV, -1)
BINARY(floor_mod, 95, "FLOOR_MOD", ER_FLOOR_MOD, -1)
BINARY(squared_difference, 99, "SQUARED_DIFFERENCE", ER_SQUARED_DIFFERENCE, -1)
