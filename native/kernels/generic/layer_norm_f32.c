/* LayerNorm of rows (Ba et al. 2016, equation 4) with the bits of the operators that TFLite writes
 * it with: MEAN in eight lanes, SQUARED_DIFFERENCE, RSQRT, MUL, ADD. Other instruction sets compile
 * this file again. */
#include <math.h>
#include <stdbool.h>

#include "kernels/float.h"

enum { LANES = 8, ROWS = 8 };

typedef float vector __attribute__((vector_size(LANES * sizeof(float))));
typedef vector loose __attribute__((aligned(sizeof(float)), may_alias));

#define LOAD(from) (*(const loose *)(const void *)(from))

/* @return the mean of x - centre, or of its squares */
static inline float mean_of(int32_t depth, const float *row, float centre, const bool squares) {
  vector lanes = {0};
  float sum = 0.0f;
  int32_t i = 0;
  for (; i + LANES <= depth; i += LANES) {
    const vector x = LOAD(row + i) - centre;
    lanes += squares ? x * x : x;
  }
  for (int32_t j = 0; j < LANES; j++) sum += lanes[j];
  for (; i < depth; i++) {
    const float x = row[i] - centre;
    sum += squares ? x * x : x;
  }
  return sum / (float)depth;
}

static void normalize_row(const er_layer_norm *n, const float *row, float centre, float scale,
                          float *output) {
  int32_t i = 0;
  for (; i + LANES <= n->depth; i += LANES) {
    const vector gain = LOAD(n->gain + i), shift = LOAD(n->shift + i);
    *(loose *)(void *)(output + i) = (LOAD(row + i) - centre) * scale * gain + shift;
  }
  for (; i < n->depth; i++) output[i] = (row[i] - centre) * scale * n->gain[i] + n->shift[i];
}

/* Step by step for a few rows, for a sum waits for the one before it, but not for another row's. */
static void normalize_rows(const er_layer_norm *n, int32_t rows, const float *input,
                           float *output) {
  float mean[ROWS], scale[ROWS];
  for (int32_t r = 0; r < rows; r++) {
    mean[r] = mean_of(n->depth, input + (int64_t)r * n->depth, 0.0f, false);
  }
  for (int32_t r = 0; r < rows; r++) {
    const float variance = mean_of(n->depth, input + (int64_t)r * n->depth, mean[r], true);
    scale[r] = 1.0f / sqrtf(variance + n->epsilon);
  }
  for (int32_t r = 0; r < rows; r++) {
    const int64_t at = (int64_t)r * n->depth;
    normalize_row(n, input + at, mean[r], scale[r], output + at);
  }
}

void er_layer_norm_f32(const er_layer_norm *norm, int64_t rows, const float *input, float *output) {
  for (int64_t r = 0; r < rows; r += ROWS) {
    const int64_t at = r * norm->depth;
    normalize_rows(norm, rows - r < ROWS ? (int32_t)(rows - r) : ROWS, input + at, output + at);
  }
}
