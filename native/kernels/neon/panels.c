#include "kernels/neon/panels.h"

enum { INPUT_BYTES = 16 * 1024 }; /* half of a first-level cache */

void er_for_panels(const er_gemm_s8_call *c, er_panels panels) {
  const int32_t fitting = INPUT_BYTES / c->depth / panels.rows * panels.rows;
  const int32_t rows = fitting < panels.rows ? panels.rows : fitting;
  for (int32_t first = 0; first < c->rows; first += rows) {
    for (int32_t u = c->first; u < c->last; u += panels.width) {
      const int32_t left = c->last - u;
      const er_panel_task task = {
          .call = c,
          .panel = (const char *)c->packed + (size_t)(u / panels.width) * panels.bytes,
          .first = first,
          .last = first + rows < c->rows ? first + rows : c->rows,
          .output = c->output + u,
          .units = left < panels.width ? left : panels.width};
      panels.multiply(&task);
    }
  }
}
