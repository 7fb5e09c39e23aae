/* BATCH_MATMUL: products of matrices whose outer dimensions broadcast. */
#include <math.h>

#include "activation.h"
#include "kernels/float.h"
#include "kernels/kernels.h"
#include "memory.h"
#include "shape.h"

typedef struct er_matmul_plan {
  er_matmul_shape shape;
  er_matmul_rule rule;
  const er_gemm_f32 *gemm; /* float products of many rows: B is packed while running */
  size_t thread_bytes;
} er_matmul_plan;

enum { FEW_ROWS = 8 }; /* below this packing does not pay */

enum { SLOT_A_TRANSPOSED, SLOT_B_TRANSPOSED };

/* Size of outer dimension d, counted from the left of the output's. */
static int32_t outer_dim(const er_tensor *tensor, int32_t rank, int32_t d) {
  const int32_t own = d - (rank - tensor->rank);
  return own < 0 ? 1 : tensor->dims[own];
}

/* Which matrix of a tensor product p takes. */
static int32_t matrix_of(const er_tensor *tensor, const int64_t *dims, int32_t rank, int64_t p) {
  int64_t index = 0, step = 1;
  for (int32_t d = rank - 3; d >= 0; --d) {
    const int32_t size = outer_dim(tensor, rank, d);
    if (size != 1) index += p % dims[d] * step;
    step *= size;
    p /= dims[d];
  }
  return (int32_t)index;
}

static edgert_status index_matrices(er_plan *plan, const er_tensor *a, const er_tensor *b,
                                    const int64_t *dims, int32_t rank, er_matmul_shape *s) {
  int32_t *index = er_plan_alloc(plan, 2 * (size_t)s->batch * sizeof *index);
  if (index == NULL) return er_plan_no_memory(plan);
  for (int32_t p = 0; p < s->batch; ++p) {
    index[p] = matrix_of(a, dims, rank, p);
    index[s->batch + p] = matrix_of(b, dims, rank, p);
  }
  s->a_index = index;
  s->b_index = index + s->batch;
  return EDGERT_OK;
}

static edgert_status bad_shapes(er_plan *plan, const er_node *node, const er_tensor *a,
                                const er_tensor *b) {
  return er_plan_fail(plan, node, EDGERT_MALFORMED,
                      "cannot multiply '%s' of rank %d and '%s' of rank %d: ranks must be 2 to 8, "
                      "inner sizes agree, and outer sizes broadcast",
                      a->name, (int)a->rank, b->name, (int)b->rank);
}

static edgert_status read_shape(er_plan *plan, const er_node *node, er_matmul_shape *s) {
  const er_tensor *a = er_plan_input(plan, node, 0), *b = er_plan_input(plan, node, 1);
  const int32_t rank = a->rank > b->rank ? a->rank : b->rank;
  if (a->rank < 2 || b->rank < 2) return bad_shapes(plan, node, a, b);
  s->a_transposed = er_bool(node->options, SLOT_A_TRANSPOSED, false);
  s->b_transposed = er_bool(node->options, SLOT_B_TRANSPOSED, false);
  s->rows = a->dims[a->rank - (s->a_transposed ? 1 : 2)];
  s->depth = a->dims[a->rank - (s->a_transposed ? 2 : 1)];
  s->columns = b->dims[b->rank - (s->b_transposed ? 2 : 1)];
  if (b->dims[b->rank - (s->b_transposed ? 1 : 2)] != s->depth) {
    return bad_shapes(plan, node, a, b);
  }
  int64_t dims[EDGERT_MAX_RANK], batch = 1;
  for (int32_t d = 0; d < rank - 2; ++d) {
    const int32_t x = outer_dim(a, rank, d), y = outer_dim(b, rank, d);
    if (x != y && x != 1 && y != 1) return bad_shapes(plan, node, a, b);
    dims[d] = x > y ? x : y;
    batch *= dims[d];
  }
  dims[rank - 2] = s->rows;
  dims[rank - 1] = s->columns;
  ER_TRY(er_set_shape_i64(plan, node, 0, rank, dims));
  s->batch = (int32_t)batch;
  return batch > INT32_MAX / 2 ? bad_shapes(plan, node, a, b)
                               : index_matrices(plan, a, b, dims, rank, s);
}

/* The largest sum must fit its accumulator. */
static edgert_status check_depth(er_plan *plan, const er_node *node, const er_matmul_shape *s,
                                 edgert_type type) {
  const int32_t most = type == EDGERT_INT16 ? 1 << 16 : INT32_MAX / (255 * 255);
  if (s->depth <= most) return EDGERT_OK;
  return er_plan_fail(plan, node, EDGERT_UNSUPPORTED,
                      "sums %d products, at most %d fit the accumulator", (int)s->depth, (int)most);
}

static edgert_status plan_integer(er_plan *plan, er_node *node, er_matmul_plan *p) {
  const er_tensor *a = er_plan_input(plan, node, 0), *b = er_plan_input(plan, node, 1);
  const er_tensor *output = er_plan_output(plan, node, 0);
  const er_range range = er_type_range(a->type);
  const int32_t types[] = {EDGERT_INT8, EDGERT_UINT8, EDGERT_INT16, -1};
  ER_TRY(er_plan_want_type(plan, node, a, types));
  ER_TRY(er_want_per_tensor(plan, node, a));
  ER_TRY(er_want_per_tensor(plan, node, b));
  ER_TRY(er_want_per_tensor(plan, node, output));
  ER_TRY(check_depth(plan, node, &p->shape, a->type));
  const double scale =
      (double)a->quant.scale[0] * (double)b->quant.scale[0] / (double)output->quant.scale[0];
  p->rule = (er_matmul_rule){.type = a->type,
                             .a_zero = a->quant.zero_point[0],
                             .b_zero = b->quant.zero_point[0],
                             .scale = er_fixed_from(scale),
                             .out_zero = output->quant.zero_point[0],
                             .low = range.low,
                             .high = range.high};
  if (p->rule.scale.multiplier == 0 || p->rule.scale.exponent > 14) {
    return er_plan_fail(plan, node, EDGERT_UNSUPPORTED, "scales by %g; allowed is 2^-32 to 2^14",
                        scale);
  }
  p->thread_bytes = er_align_up(er_matmul_scratch(&p->shape) * sizeof(int16_t));
  node->scratch_bytes = p->thread_bytes * (size_t)er_plan_threads(plan);
  node->kernel = "batch_matmul_integer";
  return EDGERT_OK;
}

static void plan_float(er_plan *plan, er_node *node, er_matmul_plan *p) {
  const er_matmul_shape *s = &p->shape;
  node->kernel = "batch_matmul_f32";
  if (s->a_transposed || s->rows < FEW_ROWS) return;
  p->gemm = &er_plan_kernels(plan)->gemm_f32;
  p->thread_bytes = er_align_up(er_packed_f32(p->gemm, s->columns, s->depth));
  node->scratch_bytes = p->thread_bytes * (size_t)er_plan_threads(plan);
  node->kernel = p->gemm->name;
}

static edgert_status prepare(er_plan *plan, er_node *node) {
  ER_TRY(er_plan_want_counts(plan, node, 2, 2, 1));
  er_matmul_plan *p = er_plan_alloc(plan, sizeof *p);
  if (p == NULL) return er_plan_no_memory(plan);
  const er_tensor *a = er_plan_input(plan, node, 0);
  ER_TRY(er_want_same_type(plan, node, a, er_plan_input(plan, node, 1)));
  ER_TRY(er_want_same_type(plan, node, a, er_plan_output(plan, node, 0)));
  ER_TRY(read_shape(plan, node, &p->shape));
  node->macs = er_plan_output(plan, node, 0)->count * p->shape.depth;
  node->data = p;
  p->rule.type = a->type;
  if (a->type != EDGERT_FLOAT32) return plan_integer(plan, node, p);
  plan_float(plan, node, p);
  return EDGERT_OK;
}

/* ---- running --------------------------------------------------------------------------------- */

static void multiply_f32(const er_matmul_plan *p, const float *a, const float *b, float *output,
                         int32_t product, uint8_t *scratch) {
  const er_matmul_shape *s = &p->shape;
  const float *values = b + (int64_t)s->b_index[product] * s->depth * s->columns;
  er_pack_f32(p->gemm, s->columns, s->depth, values, !s->b_transposed, NULL, scratch);
  const er_gemm_f32_call call = {.rows = s->rows,
                                 .depth = s->depth,
                                 .units = s->columns,
                                 .input = a + (int64_t)s->a_index[product] * s->rows * s->depth,
                                 .input_stride = s->depth,
                                 .packed = scratch,
                                 .first = 0,
                                 .last = s->columns,
                                 .low = -INFINITY,
                                 .high = INFINITY,
                                 .output = output + (int64_t)product * s->rows * s->columns,
                                 .output_stride = s->columns};
  p->gemm->run(&call);
}

/* What a thread needs. */
typedef struct er_job {
  const er_matmul_plan *plan;
  const er_kernels *kernels;
  const void *a, *b;
  void *output;
  uint8_t *scratch;
} er_job;

static void work(void *arg, int32_t first, int32_t last, int32_t thread) {
  const er_job *job = arg;
  const er_matmul_plan *p = job->plan;
  uint8_t *scratch = job->scratch + p->thread_bytes * (size_t)thread;
  if (p->rule.type == EDGERT_FLOAT32 && !p->gemm) {
    er_batch_matmul_f32(&p->shape, job->a, job->b, job->output, first, last);
    return;
  }
  for (int32_t product = first; product < last; ++product) {
    if (p->gemm) {
      multiply_f32(p, job->a, job->b, job->output, product, scratch);
    } else {
      job->kernels->batch_matmul(&p->shape, &p->rule, job->a, job->b, job->output, product,
                                 (int16_t *)(void *)scratch);
    }
  }
}

static edgert_status run(const er_run *run, const er_node *node) {
  const er_matmul_plan *p = node->data;
  er_job job = {p,
                run->kernels,
                er_in_data(run, node, 0),
                er_in_data(run, node, 1),
                er_out_data(run, node, 0),
                run->scratch};
  er_parallel(run, p->shape.batch, work, &job);
  return EDGERT_OK;
}

const er_op er_op_batch_matmul = {
    .builtin = 126, .name = "BATCH_MATMUL", .prepare = prepare, .run = run};
