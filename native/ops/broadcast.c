#include "broadcast.h"

#include <string.h>

/* Dimension d of a shape that is aligned to the right within `rank` dimensions. */
static int32_t aligned(const er_tensor *tensor, int32_t rank, int32_t d) {
  const int32_t own = d - (rank - tensor->rank);
  return own < 0 ? 1 : tensor->dims[own];
}

static edgert_status output_dims(er_plan *plan, const er_node *node, const er_tensor *a,
                                 const er_tensor *b, int32_t rank, int32_t *dims) {
  for (int32_t d = 0; d < rank; ++d) {
    const int32_t x = aligned(a, rank, d), y = aligned(b, rank, d);
    if (x != y && x != 1 && y != 1) {
      return er_plan_fail(plan, node, EDGERT_MALFORMED,
                          "cannot broadcast '%s' and '%s': sizes %d and %d in dimension %d of the "
                          "output",
                          a->name, b->name, (int)x, (int)y, (int)d);
    }
    dims[d] = x > y ? x : y;
  }
  return er_plan_set_shape(plan, node, 0, rank, dims);
}

/* Put a dimension around those that are there, or join it with the outermost of them. */
static void wrap(er_broadcast *o, int32_t size, int64_t a_stride, int64_t b_stride) {
  if (size == 1) return;
  if (o->rank == 0 && o->count == 1) {
    o->count = size;
    o->a_step = a_stride != 0;
    o->b_step = b_stride != 0;
    return;
  }
  const bool fits = (int64_t)o->count * size <= INT32_MAX;
  if (o->rank == 0 && fits && a_stride == (int64_t)o->count * o->a_step &&
      b_stride == (int64_t)o->count * o->b_step) {
    o->count *= size;
    return;
  }
  memmove(o->dims + 1, o->dims, (size_t)o->rank * sizeof *o->dims);
  memmove(o->a_stride + 1, o->a_stride, (size_t)o->rank * sizeof *o->a_stride);
  memmove(o->b_stride + 1, o->b_stride, (size_t)o->rank * sizeof *o->b_stride);
  o->dims[0] = size;
  o->a_stride[0] = a_stride;
  o->b_stride[0] = b_stride;
  o->rank += 1;
  o->rows *= size;
}

edgert_status er_plan_broadcast(er_plan *plan, const er_node *node, er_broadcast *broadcast) {
  const er_tensor *a = er_plan_input(plan, node, 0), *b = er_plan_input(plan, node, 1);
  const int32_t rank = a->rank > b->rank ? a->rank : b->rank;
  int32_t dims[EDGERT_MAX_RANK];
  ER_TRY(output_dims(plan, node, a, b, rank, dims));
  *broadcast = (er_broadcast){.count = 1, .a_step = 1, .b_step = 1, .rows = 1};
  int64_t a_stride = 1, b_stride = 1;
  for (int32_t d = rank - 1; d >= 0; --d) {
    const int32_t x = aligned(a, rank, d), y = aligned(b, rank, d);
    wrap(broadcast, dims[d], x == 1 ? 0 : a_stride, y == 1 ? 0 : b_stride);
    a_stride *= x;
    b_stride *= y;
  }
  return EDGERT_OK;
}

er_row er_row_at(const er_broadcast *broadcast, int64_t index) {
  er_row row = {{0}, 0, 0};
  for (int32_t d = broadcast->rank - 1; d >= 0; --d) {
    row.at[d] = (int32_t)(index % broadcast->dims[d]);
    index /= broadcast->dims[d];
    row.a += row.at[d] * broadcast->a_stride[d];
    row.b += row.at[d] * broadcast->b_stride[d];
  }
  return row;
}

void er_row_next(const er_broadcast *broadcast, int32_t rows, er_row *row) {
  for (int32_t d = broadcast->rank - 1; d >= 0; --d, rows = 1) {
    row->a += rows * broadcast->a_stride[d];
    row->b += rows * broadcast->b_stride[d];
    row->at[d] += rows;
    if (row->at[d] < broadcast->dims[d]) return;
    row->at[d] = 0;
    row->a -= broadcast->a_stride[d] * broadcast->dims[d];
    row->b -= broadcast->b_stride[d] * broadcast->dims[d];
  }
}
