/* LayerNorm as TFLite writes it, (x - mean(x)) * rsqrt(mean((x - mean(x))^2) + epsilon) * gain +
 * shift in nine operators: one pass over each row, to the same bits. */
#include <math.h>

#include "fuse.h"
#include "kernels/float.h"
#include "ops/binary.h"
#include "ops/reduce.h"
#include "ops/spread.h"

enum { ADD = 0, MUL = 18, MEAN = 40, SUB = 41, RSQRT = 76, SQUARED_DIFFERENCE = 99 };

typedef struct er_norm {
  const er_kernels *kernels;
  er_layer_norm norm; /* without gain and shift */
  int64_t rows;
} er_norm;

enum { INPUT, GAIN, SHIFT, INPUTS };

/* ---- running --------------------------------------------------------------------------------- */

typedef struct er_job {
  const er_norm *plan;
  er_layer_norm norm;
  const float *input;
  float *output;
} er_job;

static void work(void *arg, int64_t first, int64_t last) {
  const er_job *job = arg;
  const int64_t at = first * job->norm.depth;
  job->plan->kernels->layer_norm_f32(&job->norm, last - first, job->input + at, job->output + at);
}

static edgert_status run(const er_run *run, const er_node *node) {
  const er_norm *plan = node->data;
  er_job job = {plan, plan->norm, er_in_data(run, node, INPUT), er_out_data(run, node, 0)};
  job.norm.gain = er_in_data(run, node, GAIN);
  job.norm.shift = er_in_data(run, node, SHIFT);
  er_spread(run, plan->rows, plan->norm.depth, work, &job);
  return EDGERT_OK;
}

/* ---- finding --------------------------------------------------------------------------------- */

/* In execution order. */
typedef struct er_members {
  er_node *mean, *squares, *variance, *sum, *root, *centred, *normal, *scaled, *shifted;
} er_members;

static bool is(const er_node *node, int32_t builtin) {
  return node && node->op->builtin == builtin;
}

/* @return the node of this operator that makes a tensor for one reader, or NULL */
static er_node *maker(const er_links *links, int32_t tensor, int32_t builtin) {
  er_node *node = er_only_producer(links, tensor);
  return is(node, builtin) ? node : NULL;
}

/* Of a float operator on two inputs, without bounds: the maker of one, and the other.
 * @return NULL where no input is made by this operator */
static er_node *maker_of_one(const er_links *links, const er_node *node, int32_t builtin,
                             int32_t *other) {
  const er_binary_plan *binary = node ? er_float_binary(node) : NULL;
  if (!binary || !isinf(binary->bounds.low) || !isinf(binary->bounds.high)) return NULL;
  for (int32_t i = 0; i < 2; i++) {
    er_node *made = maker(links, node->inputs[i], builtin);
    *other = node->inputs[1 - i];
    if (made) return made;
  }
  return NULL;
}

static int32_t readers(const er_graph *graph, int32_t tensor) {
  int32_t count = 0;
  for (int32_t i = 0; i < graph->node_count; i++) {
    const er_node *node = &graph->nodes[i];
    for (int32_t k = 0; node->op && k < node->input_count; k++) count += node->inputs[k] == tensor;
  }
  for (int32_t i = 0; i < graph->source->outputs.count; i++) {
    count += graph->source->outputs.at[i] == tensor;
  }
  return count;
}

/* The mean of rows, for `squares` and `centred` alone. */
static er_node *mean_for(const er_links *links, const er_node *squares, const er_node *centred) {
  const int32_t x = centred->inputs[0], mean = centred->inputs[1], *read = squares->inputs;
  const bool same = (read[0] == x && read[1] == mean) || (read[0] == mean && read[1] == x);
  if (!same || links->producer[mean] < 0 || readers(links->graph, mean) != 2) return NULL;
  er_node *node = &links->graph->nodes[links->producer[mean]];
  return is(node, MEAN) && node->inputs[0] == x ? node : NULL;
}

static bool is_unbounded(const er_node *node) {
  const er_binary_plan *binary = er_float_binary(node);
  return binary && isinf(binary->bounds.low) && isinf(binary->bounds.high);
}

/* @param[out] inputs of the group  @param[out] epsilon number of its tensor */
static bool find(const er_links *links, er_members *m, int32_t *inputs, int32_t *epsilon) {
  int32_t root = -1;
  m->scaled = maker_of_one(links, m->shifted, MUL, &inputs[SHIFT]);
  m->normal = maker_of_one(links, m->scaled, MUL, &inputs[GAIN]);
  m->centred = maker_of_one(links, m->normal, SUB, &root);
  m->root = m->centred ? maker(links, root, RSQRT) : NULL;
  m->sum = m->root ? maker(links, m->root->inputs[0], ADD) : NULL;
  m->variance = maker_of_one(links, m->sum, MEAN, epsilon);
  m->squares = m->variance ? maker(links, m->variance->inputs[0], SQUARED_DIFFERENCE) : NULL;
  if (!m->squares || !is_unbounded(m->squares) || !is_unbounded(m->centred)) return false;
  m->mean = mean_for(links, m->squares, m->centred);
  inputs[INPUT] = m->centred->inputs[0];
  return m->mean != NULL;
}

static bool is_row(const er_tensor *tensor, int32_t depth) {
  return tensor->rank > 0 && tensor->count == depth && tensor->dims[tensor->rank - 1] == depth;
}

/* Whether all of it goes along the same rows. */
static bool fits(const er_tensor *tensors, const er_members *m, const int32_t *inputs,
                 int32_t epsilon) {
  const er_tensor *x = &tensors[inputs[INPUT]], *mean = &tensors[m->mean->outputs[0]];
  const int32_t depth = er_mean_depth(m->mean);
  return depth > 0 && x->dims[x->rank - 1] == depth && mean->rank == x->rank &&
         er_mean_depth(m->variance) == depth && tensors[m->variance->outputs[0]].rank == x->rank &&
         tensors[epsilon].constant && tensors[epsilon].count == 1 &&
         is_row(&tensors[inputs[GAIN]], depth) && is_row(&tensors[inputs[SHIFT]], depth);
}

edgert_status er_fuse_norm(er_plan *plan, const er_links *links, int32_t position, bool *fused) {
  er_members m = {.shifted = &links->graph->nodes[position]};
  int32_t inputs[INPUTS], epsilon;
  const er_tensor *tensors = links->graph->tensors;
  if (!is(m.shifted, ADD) || !find(links, &m, inputs, &epsilon)) return EDGERT_OK;
  if (!fits(tensors, &m, inputs, epsilon)) return EDGERT_OK;
  er_norm *norm = er_plan_alloc(plan, sizeof *norm);
  if (!norm) return er_plan_no_memory(plan);
  const int32_t depth = er_mean_depth(m.mean);
  *norm = (er_norm){.kernels = er_plan_kernels(plan),
                    .norm = {.depth = depth, .epsilon = *(const float *)tensors[epsilon].constant},
                    .rows = tensors[inputs[INPUT]].count / depth};
  er_node *const members[] = {m.mean,    m.squares, m.variance, m.sum,    m.root,
                              m.centred, m.normal,  m.scaled,   m.shifted};
  const er_group group = {
      members, sizeof members / sizeof *members, run, INPUTS, inputs, true, norm, 0};
  ER_TRY(er_merge(plan, &group));
  m.shifted->kernel = "layer_norm_f32";
  *fused = true;
  return EDGERT_OK;
}
