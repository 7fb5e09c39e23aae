#include "kernels/neon/panels.h"

#include "kernels/neon/store.h"

enum { INPUT_BYTES = 16 * 1024 }; /* half of a first-level cache */

void er_for_panels(const er_gemm_s8_call *c, er_panels panels) {
  const int32_t fitting = INPUT_BYTES / c->depth / panels.rows * panels.rows;
  const int32_t rows = fitting < panels.rows ? panels.rows : fitting;
  const char *packed = (const char *)c->packed + (size_t)(c->first / panels.width) * panels.bytes;
  for (int32_t first = 0; first < c->rows; first += rows) {
    er_panel_task task = {.call = c,
                          .panel = packed,
                          .first = first,
                          .last = first + rows < c->rows ? first + rows : c->rows,
                          .output = c->output + c->first,
                          .units = panels.width};
    for (int32_t left = c->last - c->first; left > 0; left -= panels.width) {
      if (left < panels.width) task.units = left;
      panels.multiply(&task);
      task.panel = (const char *)task.panel + panels.bytes;
      task.output += panels.width;
    }
  }
}

void er_multiply_part(const er_panel_task *task, int32_t width,
                      void (*whole)(const er_panel_task *task)) {
  enum { ROWS = 32, MOST_WIDTH = 16 };
  int8_t buffer[ROWS * MOST_WIDTH];
  er_gemm_s8_call call = *task->call;
  call.output_stride = width;
  for (int32_t row = task->first; row < task->last; row += ROWS) {
    const int32_t left = task->last - row, rows = left < ROWS ? left : ROWS;
    call.input = task->call->input + row * task->call->input_stride;
    whole(&(er_panel_task){&call, task->panel, 0, rows, buffer, width});
    const int64_t stride = task->call->output_stride;
    er_store_rows_neon(buffer, width, rows, task->units, stride, task->output + row * stride);
  }
}
