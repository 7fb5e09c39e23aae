/* The transforms of minimal filtering in float32, many channels at once: the compiler makes vectors
 * of these loops. What lies between them are 16 products of matrices. */
#include "kernels/winograd.h"

/* A line of V from two of the patch: (a + sign * b) B, `sign` being 1 or -1. */
static __attribute__((noinline)) void filter_line(int32_t channels, const float *a, const float *b,
                                                  float sign, const int64_t columns[ER_PATCH],
                                                  int64_t position, float *restrict to) {
  const float *a0 = a + columns[0], *a1 = a + columns[1];
  const float *a2 = a + columns[2], *a3 = a + columns[3];
  const float *b0 = b + columns[0], *b1 = b + columns[1];
  const float *b2 = b + columns[2], *b3 = b + columns[3];
  for (int32_t c = 0; c < channels; c++) {
    const float d1 = a1[c] + sign * b1[c], d2 = a2[c] + sign * b2[c];
    to[c] = a0[c] + sign * b0[c] - d2;
    to[position + c] = d1 + d2;
    to[2 * position + c] = d2 - d1;
    to[3 * position + c] = d1 - (a3[c] + sign * b3[c]);
  }
}

void er_winograd_patch_f32(const er_winograd_patch *p, int32_t channels, int64_t position,
                           float *to) {
  const float *const *d = p->lines;
  const int64_t line = ER_PATCH * position;
  filter_line(channels, d[0], d[2], -1.0f, p->columns, position, to);
  filter_line(channels, d[1], d[2], 1.0f, p->columns, position, to + line);
  filter_line(channels, d[2], d[1], -1.0f, p->columns, position, to + 2 * line);
  filter_line(channels, d[1], d[3], -1.0f, p->columns, position, to + 3 * line);
}

/* NaN stays NaN. */
static inline float bounded(float value, float low, float high) {
  const float v = value < low ? low : value;
  return v > high ? high : v;
}

/* Two outputs of a line, from the sums of three lines of positions.
 * @param sign of the second and the third line */
static __attribute__((noinline)) void output_line(int32_t units, const float *m, int64_t position,
                                                  float sign, float low, float high,
                                                  float *restrict left, float *restrict right) {
  const int64_t line = ER_PATCH * position;
  for (int32_t u = 0; u < units; u++) {
    float s[ER_PATCH];
    for (int32_t i = 0; i < ER_PATCH; i++) {
      const float *at = m + i * position + u;
      s[i] = at[0] + sign * at[line] + sign * at[2 * line];
    }
    left[u] = bounded(s[0] + s[1] + s[2], low, high);
    right[u] = bounded(s[1] - s[2] - s[3], low, high);
  }
}

void er_winograd_outputs_f32(int32_t units, const float *sums, int64_t position, float low,
                             float high, float *const outputs[ER_OUTPUTS]) {
  const int64_t line = ER_PATCH * position;
  output_line(units, sums, position, 1.0f, low, high, outputs[0], outputs[1]);
  output_line(units, sums + line, position, -1.0f, low, high, outputs[2], outputs[3]);
}
