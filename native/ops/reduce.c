/* MEAN, SUM and REDUCE_MAX, MIN, PROD, ANY, ALL over constant axes. */
#include "reduce.h"

#include <math.h>

#include "activation.h"
#include "kernels/float.h"
#include "kernels/kernels.h"
#include "shape.h"

typedef struct er_reduce_plan er_reduce_plan;

struct er_reduce_plan {
  const er_kernels *kernels;
  er_reduce op;
  er_reduce_shape shape;
  edgert_type type;
  void (*run)(const er_reduce_plan *plan, const void *input, void *output, int64_t *sums);
  float scale, offset; /* 8-bit sums */
  er_fixed fixed;      /* int16 means */
  int32_t zero_point;
  er_range range;
};

static void run_floats(const er_reduce_plan *p, const void *input, void *output, int64_t *sums) {
  (void)sums;
  p->kernels->reduce_f32(p->op, &p->shape, input, output);
}

static void run_sums_s8(const er_reduce_plan *p, const void *input, void *output, int64_t *sums) {
  p->kernels->sum(&p->shape, p->type, input, sums);
  for (int64_t o = 0; o < p->shape.out_count; ++o) {
    const float value = (float)sums[o] * p->scale + p->offset;
    ((uint8_t *)output)[o] = (uint8_t)er_settle(value, 0, p->range.low, p->range.high);
  }
}

static void run_mean_s16(const er_reduce_plan *p, const void *input, void *output, int64_t *sums) {
  p->kernels->sum(&p->shape, p->type, input, sums);
  for (int64_t o = 0; o < p->shape.out_count; ++o) {
    ((int16_t *)output)[o] =
        (int16_t)er_clamp(er_mulfix((int32_t)sums[o], p->fixed), p->range.low, p->range.high);
  }
}

static void run_sums_s16(const er_reduce_plan *p, const void *input, void *output, int64_t *sums) {
  p->kernels->sum(&p->shape, p->type, input, sums);
  for (int64_t o = 0; o < p->shape.out_count; ++o) {
    const float value = fminf(fmaxf((float)sums[o] * p->scale, INT16_MIN), INT16_MAX);
    ((int16_t *)output)[o] = (int16_t)roundf(value);
  }
}

/* The count goes into the multiplier, which gets as many bits as it loses. */
static er_fixed divided(er_fixed value, int64_t count) {
  int32_t shift = 0;
  while (count >> (shift + 1) && shift < 31 + value.exponent) shift++;
  return (er_fixed){(int32_t)(((int64_t)value.multiplier << shift) / count),
                    value.exponent - shift};
}

static void run_extremes(const er_reduce_plan *p, const void *input, void *output, int64_t *sums) {
  (void)sums;
  p->kernels->extreme(&p->shape, p->type, p->op == ER_REDUCE_MAX, input, output);
}

static void run_numbers(const er_reduce_plan *p, const void *input, void *output, int64_t *sums) {
  p->kernels->sum(&p->shape, p->type, input, sums);
  for (int64_t o = 0; o < p->shape.out_count; ++o) {
    const int64_t value = p->op == ER_MEAN ? sums[o] / p->shape.group : sums[o];
    if (p->type == EDGERT_INT64) {
      ((int64_t *)output)[o] = value;
    } else {
      ((int32_t *)output)[o] = (int32_t)(uint32_t)(uint64_t)value;
    }
  }
}

/* Merge neighbours of one kind; the kernels see few long dimensions. */
static void describe(const er_tensor *input, const bool chosen[EDGERT_MAX_RANK],
                     er_reduce_shape *shape) {
  shape->in_count = input->count;
  shape->out_count = shape->group = 1;
  for (int32_t d = 0; d < input->rank; ++d) {
    const int32_t size = input->dims[d];
    *(chosen[d] ? &shape->group : &shape->out_count) *= size;
    const int32_t last = shape->rank - 1;
    const bool joins = shape->rank > 0 && shape->reduced[last] == chosen[d] &&
                       (int64_t)shape->dims[last] * size <= INT32_MAX;
    if (joins) {
      shape->dims[last] *= size;
    } else {
      shape->dims[shape->rank] = size;
      shape->reduced[shape->rank++] = chosen[d];
    }
  }
  if (shape->rank == 0) { /* a scalar */
    shape->rank = 1;
    shape->dims[0] = 1;
  }
}

static edgert_status declare(er_plan *plan, const er_node *node, const er_tensor *input,
                             const bool chosen[EDGERT_MAX_RANK]) {
  const bool keep = er_bool(node->options, 0, false);
  int32_t dims[EDGERT_MAX_RANK], rank = 0;
  for (int32_t d = 0; d < input->rank; ++d) {
    if (!chosen[d]) dims[rank++] = input->dims[d];
    if (chosen[d] && keep) dims[rank++] = 1;
  }
  return er_plan_set_shape(plan, node, 0, rank, dims);
}

static edgert_status plan_sums(er_plan *plan, er_node *node, er_reduce_plan *p,
                               const er_tensor *input, const er_tensor *output) {
  const float si = input->quant.scale[0], so = output->quant.scale[0];
  const float n = (float)p->shape.group;
  const float share = p->op == ER_MEAN ? 1.0f / n : 1.0f;
  const float ratio = si / so;
  const float start = (float)(p->shape.group * input->quant.zero_point[0]);
  p->scale = ratio * share;
  const float zero = start * p->scale;
  p->offset = (float)output->quant.zero_point[0] - zero;
  p->fixed = divided(er_fixed_from((double)si / (double)so), p->shape.group);
  p->zero_point = output->quant.zero_point[0];
  p->run = p->type != EDGERT_INT16 ? run_sums_s8 : p->op == ER_MEAN ? run_mean_s16 : run_sums_s16;
  node->scratch_bytes = (size_t)p->shape.out_count * sizeof(int64_t);
  if (p->shape.group >= 1 << 23 || (p->type == EDGERT_INT16 && p->shape.group >= 1 << 16)) {
    return er_plan_fail(plan, node, EDGERT_UNSUPPORTED,
                        "sums %lld quantized values into one; its sum could overflow",
                        (long long)p->shape.group);
  }
  if (p->type == EDGERT_INT16 && p->fixed.multiplier == 0) {
    return er_plan_fail(plan, node, EDGERT_UNSUPPORTED,
                        "has int16 scales %g and %g that lie too far apart", (double)si,
                        (double)so);
  }
  return EDGERT_OK;
}

static edgert_status plan_quantized(er_plan *plan, er_node *node, er_reduce_plan *p,
                                    const er_tensor *input, const er_tensor *output) {
  ER_TRY(er_want_per_tensor(plan, node, input));
  ER_TRY(er_want_per_tensor(plan, node, output));
  p->range = er_type_range(p->type);
  if (p->op == ER_MEAN || p->op == ER_SUM) return plan_sums(plan, node, p, input, output);
  if (p->op == ER_REDUCE_PROD) {
    return er_plan_fail(plan, node, EDGERT_UNSUPPORTED, "is not known for quantized tensors");
  }
  p->run = run_extremes;
  return er_want_same_quant(plan, node, input, output);
}

static edgert_status choose(er_plan *plan, er_node *node, er_reduce_plan *p) {
  const er_tensor *input = er_plan_input(plan, node, 0), *output = er_plan_output(plan, node, 0);
  if (p->type == EDGERT_FLOAT32) {
    p->run = run_floats;
    return EDGERT_OK;
  }
  if (p->type == EDGERT_BOOL && (p->op == ER_REDUCE_MAX || p->op == ER_REDUCE_MIN)) {
    p->type = EDGERT_UINT8; /* any is the largest byte, all the smallest */
    p->run = run_extremes;
    return EDGERT_OK;
  }
  if (er_is_quantized(input)) return plan_quantized(plan, node, p, input, output);
  const int32_t types[] = {EDGERT_INT32, EDGERT_INT64, -1};
  ER_TRY(er_plan_want_type(plan, node, input, types));
  if (p->op == ER_REDUCE_PROD) {
    return er_plan_fail(plan, node, EDGERT_UNSUPPORTED, "is known for float32 only");
  }
  p->run = p->op == ER_MEAN || p->op == ER_SUM ? run_numbers : run_extremes;
  node->scratch_bytes = (size_t)p->shape.out_count * sizeof(int64_t);
  return EDGERT_OK;
}

static edgert_status prepare(er_plan *plan, er_node *node, er_reduce op) {
  ER_TRY(er_plan_want_counts(plan, node, 2, 2, 1));
  er_reduce_plan *p = er_plan_alloc(plan, sizeof *p);
  if (p == NULL) return er_plan_no_memory(plan);
  p->kernels = er_plan_kernels(plan);
  const er_tensor *input = er_plan_input(plan, node, 0);
  bool chosen[EDGERT_MAX_RANK];
  p->op = op;
  p->type = input->type;
  ER_TRY(er_want_same_type(plan, node, input, er_plan_output(plan, node, 0)));
  ER_TRY(er_want_axes(plan, node, er_plan_input(plan, node, 1), input->rank, chosen));
  describe(input, chosen, &p->shape);
  ER_TRY(declare(plan, node, input, chosen));
  node->data = p;
  return choose(plan, node, p);
}

static edgert_status run(const er_run *run, const er_node *node) {
  const er_reduce_plan *p = node->data;
  p->run(p, er_in_data(run, node, 0), er_out_data(run, node, 0), run->scratch);
  return EDGERT_OK;
}

int32_t er_mean_depth(const er_node *node) {
  const er_reduce_plan *p = node->op->run == run ? node->data : NULL;
  if (!p || p->op != ER_MEAN || p->type != EDGERT_FLOAT32) return 0;
  const er_reduce_shape *s = &p->shape;
  if (s->rank > 2 || !s->reduced[s->rank - 1] || (s->rank == 2 && s->reduced[0])) return 0;
  return s->dims[s->rank - 1];
}

#define REDUCE(symbol, number, text, operation)                         \
  static edgert_status prepare_##symbol(er_plan *plan, er_node *node) { \
    return prepare(plan, node, operation);                              \
  }                                                                     \
  const er_op er_op_##symbol = {                                        \
      .builtin = number, .name = text, .prepare = prepare_##symbol, .run = run};

REDUCE(mean, 40, "MEAN", ER_MEAN)
REDUCE(sum, 74, "SUM", ER_SUM)
REDUCE(reduce_prod, 81, "REDUCE_PROD", ER_REDUCE_PROD)
REDUCE(reduce_max, 82, "REDUCE_MAX", ER_REDUCE_MAX)
REDUCE(reduce_min, 89, "REDUCE_MIN", ER_REDUCE_MIN)
REDUCE(reduce_any, 91, "REDUCE_ANY", ER_REDUCE_MAX)
REDUCE(reduce_all, 140, "REDUCE_ALL", ER_REDUCE_MIN)
