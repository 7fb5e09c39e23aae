/* RESIZE_BILINEAR and RESIZE_NEAREST_NEIGHBOR. */
#include "activation.h"
#include "kernels/float.h"
#include "kernels/kernels.h"
#include "shape.h"
#include "window.h"

typedef struct er_resize_plan {
  er_resize_shape shape;
  edgert_type type;
  size_t element_bytes;
  bool nearest;
} er_resize_plan;

static edgert_status read_shape(er_plan *plan, const er_node *node, er_resize_shape *s) {
  const er_tensor *input = er_plan_input(plan, node, 0), *size = er_plan_input(plan, node, 1);
  ER_TRY(er_want_rank(plan, node, input, 4, "input"));
  ER_TRY(er_want_indices(plan, node, size, "size"));
  if (size->count != 2) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED, "has %lld numbers in its size '%s', not 2",
                        (long long)size->count, size->name);
  }
  const int64_t dims[] = {input->dims[0], er_constant_at(size, 0), er_constant_at(size, 1),
                          input->dims[3]};
  ER_TRY(er_set_shape_i64(plan, node, 0, 4, dims));
  s->batch = input->dims[0];
  s->in_h = input->dims[1];
  s->in_w = input->dims[2];
  s->c = input->dims[3];
  s->out_h = (int32_t)dims[1];
  s->out_w = (int32_t)dims[2];
  if (s->align_corners && s->half_pixel_centers) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED,
                        "has both align_corners and half_pixel_centers; only one is allowed");
  }
  return EDGERT_OK;
}

/* Sizes that keep positions exact in float32 and in units of 1 / 1024. */
static edgert_status check_sizes(er_plan *plan, const er_node *node, const er_resize_shape *s) {
  const int32_t most = 1 << 20;
  if (s->in_h <= most && s->in_w <= most && s->out_h <= most && s->out_w <= most) return EDGERT_OK;
  return er_plan_fail(plan, node, EDGERT_UNSUPPORTED, "has a height or width above 2^20");
}

static edgert_status prepare(er_plan *plan, er_node *node, bool nearest) {
  ER_TRY(er_plan_want_counts(plan, node, 2, 2, 1));
  er_resize_plan *p = er_plan_alloc(plan, sizeof *p);
  if (p == NULL) return er_plan_no_memory(plan);
  const er_tensor *input = er_plan_input(plan, node, 0), *output = er_plan_output(plan, node, 0);
  const int slot = nearest ? 0 : 2;
  p->nearest = nearest;
  p->type = input->type;
  p->shape.align_corners = er_bool(node->options, slot, false);
  p->shape.half_pixel_centers = er_bool(node->options, slot + 1, false);
  ER_TRY(er_want_same_type(plan, node, input, output));
  ER_TRY(er_want_whole_bytes(plan, node, input));
  ER_TRY(read_shape(plan, node, &p->shape));
  ER_TRY(check_sizes(plan, node, &p->shape));
  p->element_bytes = (size_t)er_element_bytes(input);
  node->data = p;
  const int32_t types[] = {EDGERT_FLOAT32, EDGERT_INT8, EDGERT_UINT8, EDGERT_INT16, -1};
  if (!nearest) ER_TRY(er_plan_want_type(plan, node, input, types));
  if (!er_is_quantized(input)) return EDGERT_OK;
  return er_want_same_quant(plan, node, input, output);
}

static edgert_status prepare_bilinear(er_plan *plan, er_node *node) {
  return prepare(plan, node, false);
}
static edgert_status prepare_nearest(er_plan *plan, er_node *node) {
  return prepare(plan, node, true);
}

/* What a thread needs. */
typedef struct er_job {
  const er_resize_plan *plan;
  const er_kernels *kernels;
  const void *input;
  void *output;
} er_job;

static void work(void *arg, int32_t first, int32_t last, int32_t thread) {
  const er_job *job = arg;
  const er_resize_plan *p = job->plan;
  (void)thread;
  if (p->nearest) {
    er_resize_nearest(&p->shape, p->element_bytes, job->input, job->output, first, last);
  } else if (p->type == EDGERT_FLOAT32) {
    er_resize_bilinear_f32(&p->shape, job->input, job->output, first, last);
  } else {
    job->kernels->resize_bilinear(&p->shape, p->type, job->input, job->output, first, last);
  }
}

static edgert_status run(const er_run *run, const er_node *node) {
  const er_resize_plan *p = node->data;
  er_job job = {p, run->kernels, er_in_data(run, node, 0), er_out_data(run, node, 0)};
  er_parallel(run, p->shape.batch * p->shape.out_h, work, &job);
  return EDGERT_OK;
}

const er_op er_op_resize_bilinear = {
    .builtin = 23, .name = "RESIZE_BILINEAR", .prepare = prepare_bilinear, .run = run};
const er_op er_op_resize_nearest_neighbor = {
    .builtin = 97, .name = "RESIZE_NEAREST_NEIGHBOR", .prepare = prepare_nearest, .run = run};
