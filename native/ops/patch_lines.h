/* The patches of a convolution where they lie: in lines of the image with the padding around them,
 * each copied once, of a group's channels alone. A patch is filter_h pieces, a line apart; the next
 * patch of its line starts stride_w pixels on. */
#ifndef ER_OPS_PATCH_LINES_H
#define ER_OPS_PATCH_LINES_H

#include "kernels/kernels.h"

typedef struct er_patch_lines {
  int32_t element;     /* bytes: 1 or 4 */
  er_conv_shape shape; /* of the lines: the filter_c channels of a group come and go */
  int32_t in_c;        /* of the image */
  bool direct;         /* no padding: the image's own lines serve */
  int32_t rows;        /* output lines at once */
  size_t line_bytes;
  size_t thread_bytes; /* scratch of one thread */
} er_patch_lines;

/** @return whether this convolution's patches can be multiplied so, `step` elements of a piece at
 * once; 0: never. */
bool er_patches_stay(const er_conv_shape *shape, int32_t step);
/** @param element bytes of one: 1 or 4  @param rows output lines at once, at most out_h */
er_patch_lines er_patch_lines_under(const er_conv_shape *shape, int32_t element, int32_t rows);
/** @param bytes that the lines may take, if that is enough for one output line */
er_patch_lines er_patch_lines_of(const er_conv_shape *shape, int32_t element, size_t bytes);
/** The input lines under `rows` output lines of one image, padded.
 * @param zero_point what lies outside of the image; 0 for floats
 * @param group whose channels
 * @param line the first output line, of batch * out_h
 * @param scratch [thread_bytes], 64-byte aligned
 * @return where they lie, line_bytes apart */
const void *er_patch_lines_get(const er_patch_lines *lines, int8_t zero_point, const void *input,
                               int32_t group, int32_t line, int32_t rows, void *scratch);

#endif
