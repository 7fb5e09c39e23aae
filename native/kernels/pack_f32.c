/* Packing of float weights, one form for all float gemms. */
#include <string.h>

#include "kernels/linear_kernels.h"

size_t er_packed_f32(const er_gemm_f32 *gemm, int32_t units, int32_t depth) {
  const size_t panels = ((size_t)units + (size_t)gemm->unit_step - 1) / (size_t)gemm->unit_step;
  return panels * (size_t)er_panel_f32(gemm, depth) * sizeof(float);
}

/* @param count units of this panel  @param values [count, depth] */
static void pack_rows(int32_t count, int32_t depth, const float *values, int32_t step, float *to) {
  for (int32_t u = 0; u < count; u++, values += depth) {
    for (int32_t d = 0; d < depth; d++) to[(int64_t)d * step + u] = values[d];
  }
}

/* @param values [depth, units] from the first unit of this panel on */
static void pack_columns(int32_t count, int32_t depth, const float *values, int32_t units,
                         int32_t step, float *to) {
  for (int32_t d = 0; d < depth; d++, values += units, to += step) {
    memcpy(to, values, (size_t)count * sizeof *to);
  }
}

void er_pack_f32(const er_gemm_f32 *gemm, int32_t units, int32_t depth, const float *values,
                 bool turned, const float *bias, void *packed) {
  const int32_t step = gemm->unit_step;
  float *to = packed;
  for (int32_t first = 0; first < units; first += step, to += er_panel_f32(gemm, depth)) {
    const int32_t count = units - first < step ? units - first : step;
    if (count < step) memset(to, 0, (size_t)er_panel_f32(gemm, depth) * sizeof *to);
    for (int32_t u = 0; u < count; u++) to[u] = bias ? bias[first + u] : 0.0f;
    if (turned) {
      pack_columns(count, depth, values + first, units, step, to + step);
    } else {
      pack_rows(count, depth, values + (int64_t)first * depth, step, to + step);
    }
  }
}
