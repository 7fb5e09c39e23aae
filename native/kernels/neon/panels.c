#include "kernels/neon/panels.h"

#include <string.h>

#include "kernels/neon/store.h"

enum { INPUT_BYTES = 16 * 1024 }; /* half of a first-level cache */

static int32_t least(int32_t a, int32_t b) { return a < b ? a : b; }

static const int8_t *row_at(const er_gemm_s8_call *c, int32_t row) {
  const int32_t width = c->width ? c->width : c->rows;
  return c->input + row / width * c->line_stride + row % width * c->input_stride;
}

/* A panel whose last units do not exist: all are computed into a buffer, the others are copied. */
static void multiply_part(const er_panel_task *task, int32_t first, int32_t width,
                          void (*whole)(const er_panel_task *task)) {
  enum { ROWS = 32, MOST_WIDTH = 16 };
  const er_gemm_s8_call *c = task->call;
  int8_t buffer[ROWS * MOST_WIDTH], *to = task->output;
  er_gemm_s8_call call = *c;
  call.output_stride = width;
  for (int32_t row = 0, rows; row < task->rows; row += rows, to += rows * c->output_stride) {
    const int32_t at = first + row, in_line = c->width ? c->width - at % c->width : ROWS;
    rows = least(task->rows - row, least(in_line, ROWS));
    whole(&(er_panel_task){&call, task->settle, task->panel, row_at(c, at), rows, buffer, width,
                           task->first, 0});
    er_store_rows_neon(buffer, width, rows, task->units, c->output_stride, to);
  }
}

/* @param first row of the task */
static void multiply(const er_panels *panels, er_panel_task task, int32_t first) {
  const int32_t rest = task.units % panels->width;
  task.units -= rest;
  if (task.units > 0) panels->whole(&task);
  if (rest == 0) return;
  task.panel = (const char *)task.panel + (size_t)(task.units / panels->width) * panels->bytes;
  task.output += task.units;
  task.first += task.units;
  task.units = rest;
  const int32_t width = panels->written ? panels->written(task.panel, rest) : panels->width;
  if (rest == width) {
    panels->whole(&task);
  } else {
    multiply_part(&task, first, width, panels->whole);
  }
}

void er_for_panels(const er_gemm_s8_call *c, er_panels panels) {
  const int32_t step = c->width ? c->width : panels.rows;
  const int64_t bytes = c->width ? c->line_stride + 1 : (int64_t)step * c->depth;
  const int32_t rows = bytes > INPUT_BYTES ? step : (int32_t)(INPUT_BYTES / bytes) * step;
  const er_settle_neon settle = er_settle_neon_of(c->range);
  for (int32_t first = 0, last; first < c->rows; first = last) {
    last = c->rows - first < rows + step ? c->rows : first + rows;
    const er_panel_task task = {
        .call = c,
        .settle = &settle,
        .panel = (const char *)c->packed + (size_t)(c->first / panels.width) * panels.bytes,
        .input = row_at(c, first),
        .rows = last - first,
        .output = c->output + first * c->output_stride + c->first,
        .units = c->last - c->first,
        .first = c->first};
    multiply(&panels, task, first);
  }
}

static void copy_sums(const int32_t *from, int32_t width, int32_t rows, int32_t units,
                      int64_t stride, int32_t *to) {
  for (int32_t r = 0; r < rows; r++, from += width, to += stride) {
    memcpy(to, from, (size_t)units * sizeof *to);
  }
}

void er_sums_for_panels(const er_gemm_s8_call *c, er_panels panels, int32_t *sums, int64_t stride) {
  enum { ROWS = 32, MOST_WIDTH = 16 };
  int32_t buffer[ROWS * MOST_WIDTH];
  er_gemm_s8_call call = *c;
  call.output_stride = panels.width * (int64_t)sizeof *buffer; /* in bytes, as of any output */
  for (int32_t u = c->first; u < c->last; u += panels.width, sums += panels.width) {
    const int32_t units = c->last - u < panels.width ? c->last - u : panels.width;
    const char *panel = (const char *)c->packed + (size_t)(u / panels.width) * panels.bytes;
    for (int32_t row = 0; row < c->rows; row += ROWS) {
      const int32_t rows = c->rows - row < ROWS ? c->rows - row : ROWS;
      panels.whole(&(er_panel_task){&call, NULL, panel, c->input + row * c->input_stride, rows,
                                    (int8_t *)buffer, panels.width, u, 0});
      copy_sums(buffer, panels.width, rows, units, stride, sums + row * stride);
    }
  }
}
