/* AVERAGE_POOL_2D, MAX_POOL_2D and L2_POOL_2D. */
#include "pool.h"

#include <math.h>
#include <string.h>

#include "activation.h"
#include "kernels/float.h"
#include "kernels/kernels.h"
#include "kernels/load.h"
#include "shape.h"
#include "window.h"

typedef void (*er_float_pool)(const er_pool_f32_call *call);
typedef void (*er_integer_pool)(const er_conv_shape *shape, edgert_type type, int32_t low,
                                int32_t high, const void *input, void *output, int32_t first,
                                int32_t last);

typedef struct er_pool {
  er_conv_shape shape;
  edgert_type type;
  er_bounds bounds;
  float border; /* floats, MAX_POOL_2D */
  er_range range;
  er_float_pool of_floats;
  er_integer_pool of_integers; /* NULL: floats only */
} er_pool;

enum { SLOT_PADDING, SLOT_STRIDE_W, SLOT_STRIDE_H, SLOT_FILTER_W, SLOT_FILTER_H, SLOT_ACTIVATION };

static edgert_status read_shape(er_plan *plan, const er_node *node, er_conv_shape *s) {
  ER_TRY(er_want_rank(plan, node, er_plan_input(plan, node, 0), 4, "input"));
  er_read_image(er_plan_input(plan, node, 0), s);
  s->out_c = s->in_c;
  s->filter_c = s->groups = s->dilation_h = s->dilation_w = s->multiplier = 1;
  s->filter_h = er_i32(node->options, SLOT_FILTER_H, 0);
  s->filter_w = er_i32(node->options, SLOT_FILTER_W, 0);
  s->stride_h = er_i32(node->options, SLOT_STRIDE_H, 0);
  s->stride_w = er_i32(node->options, SLOT_STRIDE_W, 0);
  return er_place_window(plan, node, er_i8(node->options, SLOT_PADDING, 0), s);
}

static edgert_status check_types(er_plan *plan, const er_node *node, const er_pool *pool) {
  const er_tensor *input = er_plan_input(plan, node, 0), *output = er_plan_output(plan, node, 0);
  const int32_t floats[] = {EDGERT_FLOAT32, -1};
  const int32_t all[] = {EDGERT_FLOAT32, EDGERT_INT8, EDGERT_UINT8, EDGERT_INT16, -1};
  ER_TRY(er_plan_want_type(plan, node, input, pool->of_integers == NULL ? floats : all));
  ER_TRY(er_want_same_type(plan, node, input, output));
  return input->type == EDGERT_FLOAT32 ? EDGERT_OK : er_want_same_quant(plan, node, input, output);
}

static edgert_status prepare(er_plan *plan, er_node *node, er_float_pool of_floats,
                             er_integer_pool of_integers, bool rounds_away) {
  ER_TRY(er_plan_want_counts(plan, node, 1, 1, 1));
  er_pool *pool = er_plan_alloc(plan, sizeof *pool);
  if (pool == NULL) return er_plan_no_memory(plan);
  pool->border = -INFINITY;
  pool->of_floats = of_floats;
  pool->of_integers = of_integers;
  pool->type = er_plan_input(plan, node, 0)->type;
  ER_TRY(er_want_activation(plan, node, SLOT_ACTIVATION, &pool->bounds));
  ER_TRY(read_shape(plan, node, &pool->shape));
  ER_TRY(check_types(plan, node, pool));
  if (pool->type != EDGERT_FLOAT32) {
    const er_tensor *output = er_plan_output(plan, node, 0);
    pool->range = rounds_away ? er_quantized_range_away(output, pool->bounds)
                              : er_quantized_range(output, pool->bounds);
  }
  node->data = pool;
  return EDGERT_OK;
}

static edgert_status prepare_average(er_plan *plan, er_node *node) {
  return prepare(plan, node, er_plan_kernels(plan)->average_pool_f32,
                 er_plan_kernels(plan)->average_pool, true);
}
static edgert_status prepare_max(er_plan *plan, er_node *node) {
  return prepare(plan, node, er_plan_kernels(plan)->max_pool_f32, er_plan_kernels(plan)->max_pool,
                 false);
}
static edgert_status prepare_l2(er_plan *plan, er_node *node) {
  return prepare(plan, node, er_l2_pool_f32, NULL, false);
}

/* What a thread needs. */
typedef struct er_job {
  const er_pool *pool;
  const void *input;
  void *output;
} er_job;

static void work(void *arg, int32_t first, int32_t last, int32_t thread) {
  const er_job *job = arg;
  const er_pool *p = job->pool;
  (void)thread;
  if (p->type == EDGERT_FLOAT32) {
    p->of_floats(&(er_pool_f32_call){&p->shape, job->input, p->bounds.low, p->bounds.high,
                                     p->border, job->output, first, last});
  } else {
    p->of_integers(&p->shape, p->type, p->range.low, p->range.high, job->input, job->output, first,
                   last);
  }
}

static edgert_status run(const er_run *run, const er_node *node) {
  const er_pool *pool = node->data;
  er_job job = {pool, er_in_data(run, node, 0), er_out_data(run, node, 0)};
  er_parallel(run, pool->shape.batch * pool->shape.out_h, work, &job);
  return EDGERT_OK;
}

const er_op er_op_average_pool_2d = {
    .builtin = 1, .name = "AVERAGE_POOL_2D", .prepare = prepare_average, .run = run};
const er_op er_op_max_pool_2d = {
    .builtin = 17, .name = "MAX_POOL_2D", .prepare = prepare_max, .run = run};
const er_op er_op_l2_pool_2d = {
    .builtin = 12, .name = "L2_POOL_2D", .prepare = prepare_l2, .run = run};

/* In one direction: whether each window lies within the padded image and holds a pixel of the image
 * proper. */
static bool reaches(int32_t in, int32_t before, int32_t padded, int32_t out, int32_t filter,
                    int32_t stride) {
  return (int64_t)(out - 1) * stride + filter <= padded && before < filter &&
         padded - before - in < filter;
}

static bool windows_reach(const er_conv_shape *s, const er_pad_shape *pad) {
  return s->pad_top == 0 && s->pad_left == 0 &&
         reaches(pad->in[1], pad->before[1], s->in_h, s->out_h, s->filter_h, s->stride_h) &&
         reaches(pad->in[2], pad->before[2], s->in_w, s->out_w, s->filter_w, s->stride_w);
}

bool er_max_pool_repad(er_node *node, const er_padding *padding) {
  if (node->op != &er_op_max_pool_2d) return false;
  er_pool *pool = node->data;
  if (!windows_reach(&pool->shape, padding->shape)) return false;
  if (pool->type == EDGERT_FLOAT32) {
    float border;
    memcpy(&border, padding->value, sizeof border);
    if (!(border < 0.0f)) return false; /* which of 0 and -0 is larger depends on the order */
    pool->border = border;
  } else if (er_load(pool->type, padding->value, 0) != er_type_range(pool->type).low) {
    return false;
  }
  er_pad_inside(&pool->shape, padding->shape);
  return true;
}
