/* Moving elements without looking at them: one strided copy serves TRANSPOSE, STRIDED_SLICE, SPLIT,
 * PACK, TILE, BROADCAST_TO, REVERSE_V2, SPACE_TO_DEPTH and their kin. */
#ifndef ER_KERNELS_COPY_H
#define ER_KERNELS_COPY_H

#include <stdint.h>

#define ER_COPY_RANK 16

/* For all i: out[out_offset + sum(i_d * out_stride[d])] = in[in_offset + sum(i_d * in_stride[d])]
 * for blocks of `block` bytes. All offsets and strides are in bytes; strides may be 0 or negative.
 */
typedef struct er_copy {
  int32_t rank;   /* 0..ER_COPY_RANK */
  int32_t input;  /* the operator's input it reads */
  int32_t output; /* the operator's output it writes */
  int64_t block;  /* bytes that stay together, >= 1 */
  int64_t in_offset;
  int64_t out_offset;
  int64_t dims[ER_COPY_RANK]; /* each >= 1, outermost first */
  int64_t in_stride[ER_COPY_RANK];
  int64_t out_stride[ER_COPY_RANK];
} er_copy;

/** Copy the part [first, last) of the outermost dimension (all of it for rank 0).
 * @param out start of the output tensor, must not overlap `in`
 * @param in start of the input tensor */
void er_copy_strided(const er_copy *copy, int64_t first, int64_t last, void *out, const void *in);

#endif
