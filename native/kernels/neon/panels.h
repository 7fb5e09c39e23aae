/* How the int8 gemms of ARM walk over a product: a panel of units times a block of rows, small
 * enough to stay in the first-level cache while panel after panel passes. */
#ifndef ER_PANELS_H
#define ER_PANELS_H

#include "kernels/linear_kernels.h"
#include "kernels/neon/settle.h"

/* Rows, from the start of a line on, times one panel after the other. */
typedef struct er_panel_task {
  const er_gemm_s8_call *call;
  const er_settle_neon *settle; /* what the call's range becomes; NULL: for sums */
  const void *panel;            /* the first one */
  const int8_t *input;
  int32_t rows;
  int8_t *output; /* of the first panel's first unit in the first row */
  int32_t units;  /* to write: whole panels, or a part of one */
  int32_t first;  /* of them */
  int64_t beyond; /* bytes of output to leave out between lines */
} er_panel_task;

/* What a tile needs of the call, in registers. */
typedef struct er_strip {
  const void *panel;
  int64_t depth, segment; /* of a row and of its pieces; the same where it has but one */
  int64_t gap;            /* from the end of a piece to the next */
  int64_t skipped;        /* of the weights' depth, before the first piece */
  int32_t pieces;         /* to multiply */
  int32_t goes_on;        /* behind the whole blocks of the first piece */
  int64_t input_stride, output_stride;
  int32_t width; /* rows in a line */
  int64_t line_stride;
} er_strip;

static inline er_strip er_strip_of(const er_panel_task *task) {
  const er_gemm_s8_call *c = task->call;
  const int64_t segment = c->segments > 1 ? c->depth / c->segments : c->depth;
  const int32_t pieces = c->segments > 1 ? c->segments - c->before - c->behind : 1;
  return (er_strip){.panel = task->panel,
                    .depth = c->depth,
                    .segment = segment,
                    .gap = c->segment_stride - segment,
                    .skipped = c->before * segment,
                    .pieces = pieces,
                    .goes_on = pieces > 1 || segment % 16 != 0,
                    .input_stride = c->input_stride,
                    .output_stride = c->output_stride,
                    .width = c->width ? c->width : task->rows,
                    .line_stride = c->line_stride};
}

typedef struct er_panels {
  int32_t width; /* units in a panel */
  int32_t rows;  /* computed at once */
  size_t bytes;  /* of a panel */
  void (*whole)(const er_panel_task *task);
  /** @return 8 or 16 units that `whole` writes of a panel with `units`; NULL: always `width` */
  int32_t (*written)(const void *panel, int32_t units);
} er_panels;

/* A function that runs over the lines of a task, panel by panel.
 * @param prepare once
 * @param ... tiles of a line: they take what they compute off `left`, and move `to` on and what
 *   they take from `at`, the bytes from the first row of all */
#define ER_RUN_ROWS(name, step, bytes, prepare, ...)                                      \
  static void name(const er_panel_task *task) {                                           \
    er_strip s = er_strip_of(task);                                                       \
    int8_t *output = task->output;                                                        \
    prepare;                                                                              \
    for (int32_t units = task->units; units > 0; units -= (step), output += (step)) {     \
      int8_t *to = output;                                                                \
      int64_t line = 0;                                                                   \
      for (int32_t rows = task->rows; rows > 0; rows -= s.width, line += s.line_stride) { \
        int32_t left = rows < s.width ? rows : s.width;                                   \
        int64_t at = line;                                                                \
        __VA_ARGS__                                                                       \
      }                                                                                   \
      s.panel = (const char *)s.panel + (bytes);                                          \
    }                                                                                     \
  }

/* er_gemm_s8.run. What `whole` writes beyond the last unit goes to a buffer. */
void er_for_panels(const er_gemm_s8_call *call, er_panels panels);

/* er_gemm_s8.sums. @param panels whose `whole` writes int32 */
void er_sums_for_panels(const er_gemm_s8_call *call, er_panels panels, int32_t *sums,
                        int64_t stride);

#endif
