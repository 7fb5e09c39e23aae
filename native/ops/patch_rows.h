/* The patches of a convolution one after the other, as rows of a matrix: out of padded lines where
 * a patch is one piece in each, else pixel by pixel. */
#ifndef ER_OPS_PATCH_ROWS_H
#define ER_OPS_PATCH_ROWS_H

#include "patch_lines.h"

typedef struct er_patch_rows {
  er_patch_lines lines; /* their shape is that of the convolution otherwise */
  bool in_lines;        /* no dilations */
  size_t thread_bytes;  /* scratch of one thread */
} er_patch_rows;

/** @param element bytes of one: 1 or 4  @param most patches at once, at least 1 */
er_patch_rows er_patch_rows_of(const er_conv_shape *shape, int32_t element, int32_t most);
/** Patches [first, last) of batch * out_h * out_w.
 * @param shape the same
 * @param zero_point what lies outside of the image; 0 for floats
 * @param[out] rows [last - first, filter_h * filter_w * filter_c], and ER_OVERREAD bytes
 * @param scratch [thread_bytes], 64-byte aligned */
void er_patch_rows_get(const er_patch_rows *patches, const er_conv_shape *shape, int8_t zero_point,
                       const void *input, int32_t group, int32_t first, int32_t last, void *rows,
                       void *scratch);

#endif
