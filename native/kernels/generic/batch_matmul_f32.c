/* BATCH_MATMUL in float32: row by row, output columns in the inner loop. */
#include "kernels/float.h"

/* Columns whose sums stay in vector registers. */
enum { WIDE = 32, NARROW = 8 };

/* output[c] = sum over k of a[k * a_step] * B[k, c]. @param b [depth, columns] */
static inline __attribute__((always_inline)) void row_times_columns(const er_matmul_shape *s,
                                                                    const float *a, int64_t a_step,
                                                                    const float *b,
                                                                    const int32_t count,
                                                                    float *output) {
  float sums[WIDE] = {0};
  for (int32_t k = 0; k < s->depth; k++, b += s->columns) {
    const float value = a[k * a_step];
    for (int32_t c = 0; c < count; c++) sums[c] += value * b[c];
  }
  for (int32_t c = 0; c < count; c++) output[c] = sums[c];
}

static void row_times_matrix(const er_matmul_shape *s, const float *a, int64_t a_step,
                             const float *b, float *output) {
  int32_t c = 0;
  for (; c + WIDE <= s->columns; c += WIDE) {
    row_times_columns(s, a, a_step, b + c, WIDE, output + c);
  }
  for (; c + NARROW <= s->columns; c += NARROW) {
    row_times_columns(s, a, a_step, b + c, NARROW, output + c);
  }
  if (c < s->columns) row_times_columns(s, a, a_step, b + c, s->columns - c, output + c);
}

/* The same with B held as [columns, depth]. */
static void row_times_transposed(const er_matmul_shape *s, const float *a, int64_t a_step,
                                 const float *b, float *output) {
  for (int32_t c = 0; c < s->columns; c++, b += s->depth) {
    float sum = 0.0f;
    for (int32_t k = 0; k < s->depth; k++) sum += a[k * a_step] * b[k];
    output[c] = sum;
  }
}

void er_batch_matmul_f32(const er_matmul_shape *s, const float *a, const float *b, float *output,
                         int32_t first, int32_t last) {
  const int64_t a_size = (int64_t)s->rows * s->depth, b_size = (int64_t)s->depth * s->columns;
  for (int32_t p = first; p < last; p++) {
    const float *left = a + s->a_index[p] * a_size, *right = b + s->b_index[p] * b_size;
    for (int32_t r = 0; r < s->rows; r++) {
      const float *row = left + (s->a_transposed ? r : (int64_t)r * s->depth);
      const int64_t step = s->a_transposed ? s->rows : 1;
      float *to = output + ((int64_t)p * s->rows + r) * s->columns;
      (s->b_transposed ? row_times_transposed : row_times_matrix)(s, row, step, right, to);
    }
  }
}
