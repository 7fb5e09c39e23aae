/* Speed of single kernels: one CSV row for each kernel, shape and layer. */
#ifndef ER_BENCH_H
#define ER_BENCH_H

#include "edgert.h"
#include "kernels/kernels.h"

typedef struct gemm_shape {
  const char *where; /* a layer that has it */
  int32_t rows, depth, units;
} gemm_shape;

/* The convolutions but for the depthwise ones of a network, as gemms. */
typedef struct network_gemm {
  const char *network;
  int32_t count; /* of layers with this shape */
  int32_t rows, depth, units;
} network_gemm;

/* The convolutions of a file. */
typedef struct file_gemms {
  int32_t count;
  network_gemm *gemms;    /* [count] */
  const int8_t **weights; /* [count] of [units, depth], 8 bits */
  edgert_model *model;    /* has them */
} file_gemms;

/** The convolutions but for the depthwise ones of a .tflite file that have 8-bit weights. Ends the
 * program where the file cannot be read. */
file_gemms file_gemms_of(const char *path);
void drop_file_gemms(file_gemms *f);

typedef struct dwconv_shape {
  const char *where;
  int32_t channels, out_w, filter, stride;
} dwconv_shape;

extern const gemm_shape gemm_shapes[];
extern const int32_t gemm_shape_count;
extern const network_gemm network_gemms[];
extern const int32_t network_gemm_count;
extern const dwconv_shape dwconv_shapes[];
extern const int32_t dwconv_shape_count;

#endif
