#include "kernels/neon/panels.h"

#include <string.h>

#include "kernels/neon/store.h"

enum { INPUT_BYTES = 16 * 1024 }; /* half of a first-level cache */

/* A panel whose last units do not exist: all are computed into a buffer, the others are copied. */
static void multiply_part(const er_panel_task *task, int32_t width,
                          void (*whole)(const er_panel_task *task)) {
  enum { ROWS = 32, MOST_WIDTH = 16 };
  int8_t buffer[ROWS * MOST_WIDTH];
  er_gemm_s8_call call = *task->call;
  call.output_stride = width;
  for (int32_t row = task->first; row < task->last; row += ROWS) {
    const int32_t left = task->last - row, rows = left < ROWS ? left : ROWS;
    call.input = task->call->input + row * task->call->input_stride;
    whole(&(er_panel_task){&call, task->settle, task->panel, 0, rows, buffer, width});
    const int64_t stride = task->call->output_stride;
    er_store_rows_neon(buffer, width, rows, task->units, stride, task->output + row * stride);
  }
}

static void multiply(const er_panels *panels, const er_panel_task *task) {
  const int32_t width = panels->written ? panels->written(task->panel, task->units) : panels->width;
  if (task->units == width) {
    panels->whole(task);
  } else {
    multiply_part(task, width, panels->whole);
  }
}

void er_for_panels(const er_gemm_s8_call *c, er_panels panels) {
  const int32_t fitting = INPUT_BYTES / c->depth / panels.rows * panels.rows;
  const int32_t rows = fitting < panels.rows ? panels.rows : fitting;
  const er_settle_neon settle = er_settle_neon_of(c->range);
  const char *packed = (const char *)c->packed + (size_t)(c->first / panels.width) * panels.bytes;
  for (int32_t first = 0, last; first < c->rows; first = last) {
    last = c->rows - first < rows + panels.rows ? c->rows : first + rows;
    er_panel_task task = {.call = c,
                          .settle = &settle,
                          .panel = packed,
                          .first = first,
                          .last = last,
                          .output = c->output + c->first,
                          .units = panels.width};
    for (int32_t left = c->last - c->first; left > 0; left -= panels.width) {
      if (left < panels.width) task.units = left;
      multiply(&panels, &task);
      task.panel = (const char *)task.panel + panels.bytes;
      task.output += panels.width;
    }
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
      call.input = c->input + row * c->input_stride;
      panels.whole(&(er_panel_task){&call, NULL, panel, 0, rows, (int8_t *)buffer, panels.width});
      copy_sums(buffer, panels.width, rows, units, stride, sums + row * stride);
    }
  }
}
