/* How the int8 gemms of ARM walk over a product: a panel of units times a block of rows, small
 * enough to stay in the first-level cache while panel after panel passes. */
#ifndef ER_PANELS_H
#define ER_PANELS_H

#include "kernels/linear_kernels.h"

/* Rows [first, last) times one panel. */
typedef struct er_panel_task {
  const er_gemm_s8_call *call;
  const void *panel;
  int32_t first, last;
  int8_t *output; /* of the panel's first unit in row 0 */
  int32_t units;  /* to write, 1..width */
} er_panel_task;

/* What a tile needs of the call, in registers. */
typedef struct er_strip {
  const void *panel;
  int64_t depth, segment; /* of a row and of its pieces; the same where it has but one */
  int64_t gap;            /* from the end of a piece to the next */
  int64_t input_stride, output_stride;
} er_strip;

static inline er_strip er_strip_of(const er_panel_task *task) {
  const er_gemm_s8_call *c = task->call;
  const int64_t segment = c->segments > 1 ? c->depth / c->segments : c->depth;
  return (er_strip){task->panel,     c->depth,        segment, c->segment_stride - segment,
                    c->input_stride, c->output_stride};
}

typedef struct er_panels {
  int32_t width; /* units in a panel */
  int32_t rows;  /* computed at once */
  size_t bytes;  /* of a panel */
  void (*multiply)(const er_panel_task *task);
} er_panels;

void er_for_panels(const er_gemm_s8_call *call, er_panels panels);

/* A panel whose last units do not exist: `whole` computes them into a buffer, the others are
 * copied.
 * @param width 8 or 16 units that `whole` writes; more than task->units */
void er_multiply_part(const er_panel_task *task, int32_t width,
                      void (*whole)(const er_panel_task *task));

/* er_gemm_s8.sums. @param panels whose `multiply` writes int32 */
void er_sums_for_panels(const er_gemm_s8_call *call, er_panels panels, int32_t *sums,
                        int64_t stride);

#endif
