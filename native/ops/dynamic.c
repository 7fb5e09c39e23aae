#include "dynamic.h"

enum { MOST_DEPTH = INT32_MAX / (255 * 128), TILE_UNITS = 128 };

bool er_is_dynamic(const er_linear_tensors *tensors, const er_linear *linear, int32_t depth) {
  const er_tensor *weights = tensors->weights;
  return linear->arithmetic == ER_FLOAT_LINEAR && depth <= MOST_DEPTH &&
         er_has_plain_integers(weights);
}

static edgert_status sum_weights(er_plan *plan, const er_linear_tensors *t, const int8_t *values,
                                 er_dynamic *d) {
  const int32_t units = d->groups * d->units;
  int32_t *sums = er_plan_alloc(plan, (size_t)units * sizeof *sums);
  float *scale = er_plan_alloc(plan, (size_t)units * sizeof *scale);
  if (!sums || !scale) return er_plan_no_memory(plan);
  for (int32_t u = 0; u < units; u++) {
    const int8_t *row = values + (int64_t)u * d->depth;
    for (int32_t k = 0; k < d->depth; k++) sums[u] += row[k];
    scale[u] = er_weight_scale(t->weights, u);
  }
  d->sums = sums;
  d->scale = scale;
  return EDGERT_OK;
}

edgert_status er_dynamic_plan(er_plan *plan, const er_linear_tensors *tensors,
                              const er_linear *linear, int32_t groups, er_dynamic *dynamic) {
  const er_kernels *kernels = er_plan_kernels(plan);
  const int32_t units = tensors->units / groups;
  const int32_t depth = (int32_t)(tensors->weights->count / tensors->units);
  *dynamic = (er_dynamic){.gemm = &kernels->gemm_sums,
                          .kernels = kernels,
                          .group_bytes = er_align_up(kernels->gemm_sums.packed_bytes(units, depth)),
                          .groups = groups,
                          .units = units,
                          .depth = depth,
                          .bounds = linear->bounds};
  char *packed = er_plan_alloc(plan, dynamic->group_bytes * (size_t)groups);
  const int8_t *values = er_weights_as_int8(plan, tensors->weights);
  int32_t *no_bias = er_plan_borrow(plan, (size_t)units * sizeof *no_bias);
  float *no_scale = er_plan_borrow(plan, (size_t)units * sizeof *no_scale);
  if (!packed || !values || !no_bias || !no_scale) return er_plan_no_memory(plan);
  for (int32_t g = 0; g < groups; g++) {
    const er_weights_s8 weights = {.units = units,
                                   .depth = depth,
                                   .values = values + (int64_t)g * units * depth,
                                   .bias = no_bias,
                                   .scale = no_scale};
    dynamic->gemm->pack(&weights, packed + (size_t)g * dynamic->group_bytes);
  }
  dynamic->packed = packed;
  return sum_weights(plan, tensors, values, dynamic);
}

int32_t er_dynamic_tile_units(const er_dynamic *dynamic) {
  const int32_t step = dynamic->gemm->unit_step;
  return step >= TILE_UNITS ? step : TILE_UNITS / step * step;
}

size_t er_dynamic_tile_bytes(const er_dynamic *dynamic) {
  const size_t units = (size_t)er_dynamic_tile_units(dynamic);
  return er_align_up(ER_DYNAMIC_ROWS * units * sizeof(int32_t));
}

/* Where panels lie one behind the other; elsewhere it only fetches in vain. */
static void fetch_part(const er_dynamic *d, int32_t part, int32_t parts, er_gemm_s8_call *call) {
  const int32_t width = er_dynamic_tile_units(d), left = d->units - call->last;
  const int32_t end = call->last + (left < width ? left : width);
  const size_t start = d->gemm->packed_bytes(call->last, d->depth);
  call->ahead_bytes = (int64_t)(d->gemm->packed_bytes(end, d->depth) - start) / parts;
  call->ahead = (const char *)call->packed + start + part * call->ahead_bytes;
}

void er_dynamic_rows(const er_dynamic *dynamic, int32_t group, int32_t count, const int8_t *rows,
                     const er_row_quant *quant, const float *bias, int32_t first, int32_t last,
                     int32_t part, int32_t parts, float *output, int64_t stride, int32_t *tile) {
  const er_dynamic *d = dynamic;
  const int32_t width = er_dynamic_tile_units(d);
  const int64_t start = (int64_t)group * d->units;
  for (int32_t unit = first; unit < last; unit += width) {
    const int32_t end = last - unit < width ? last : unit + width;
    er_gemm_s8_call product = {.rows = count,
                               .depth = d->depth,
                               .units = d->units,
                               .input = rows,
                               .input_stride = d->depth,
                               .packed = d->packed + (size_t)group * d->group_bytes,
                               .first = unit,
                               .last = end};
    if (parts > 0) fetch_part(d, part, parts, &product);
    d->gemm->sums(&product, tile, width);
    const er_scale_sums_call scaling = {.rows = count,
                                        .units = end - unit,
                                        .sums = tile,
                                        .sums_stride = width,
                                        .quant = quant,
                                        .weight_sums = d->sums + start + unit,
                                        .weight_scale = d->scale + start + unit,
                                        .bias = bias ? bias + unit : NULL,
                                        .low = d->bounds.low,
                                        .high = d->bounds.high,
                                        .output = output + unit,
                                        .output_stride = stride};
    d->kernels->scale_sums(&scaling);
  }
}
