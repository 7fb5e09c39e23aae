/* A planned tensor: every field is proven by verification before a kernel sees it. */
#ifndef ER_TENSOR_H
#define ER_TENSOR_H

#include <stdbool.h>

#include "edgert.h"

/* Affine quantization: real = scale[c] * (q - zero_point[c]). Both arrays have `count` entries:
 * 1 (per tensor) or dims[axis] (per channel). count == 0: not quantized. All scales are finite,
 * normal and > 0; all zero points fit the tensor's type. */
typedef struct er_quant {
  int32_t count;
  int32_t axis;
  const float *scale;        /* [count] */
  const int32_t *zero_point; /* [count] */
  int32_t block;             /* > 0: quantized by blocks of so many along the last dimension; count
                                is 0, and scales are in tensor block_scales */
  int32_t block_scales;      /* its number, proven to exist */
} er_quant;

typedef struct er_tensor {
  const char *name; /* never NULL */
  edgert_type type;
  int32_t rank;
  int32_t dims[EDGERT_MAX_RANK]; /* each >= 1 once planned (a zero dim is refused) */
  int64_t count;                 /* product of dims */
  size_t bytes;                  /* storage; INT4 packs two values a byte, low nibble first */
  er_quant quant;
  const void *constant; /* aligned data known at plan time, else NULL */
  bool variable;        /* keeps its value between runs, starts at zero (LSTM state) */
} er_tensor;

#endif
