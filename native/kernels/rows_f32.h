/* The rows of a float gemm one after the other, wherever they lie. */
#ifndef ER_ROWS_F32_H
#define ER_ROWS_F32_H

#include "linear_kernels.h"

typedef struct er_rows_f32 {
  int64_t line, row; /* where the line starts and the next row, in floats from the input */
  int32_t left;      /* rows of this line */
} er_rows_f32;

static inline er_rows_f32 er_rows_f32_of(const er_gemm_f32_call *call) {
  return (er_rows_f32){.left = call->width ? call->width : call->rows};
}

/** @return the next row, [segments] pieces of it */
static inline const float *er_rows_f32_next(const er_gemm_f32_call *call, er_rows_f32 *rows) {
  if (rows->left == 0) {
    rows->line += call->line_stride;
    rows->row = rows->line;
    rows->left = call->width;
  }
  const float *row = call->input + rows->row;
  rows->row += call->input_stride;
  rows->left--;
  return row;
}

static inline int32_t er_segments(const er_gemm_f32_call *call) {
  return call->segments ? call->segments : 1;
}

#endif
