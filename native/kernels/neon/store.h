/* Parts of vectors to memory that ends with them. */
#ifndef ER_NEON_STORE_H
#define ER_NEON_STORE_H

#include "kernels/neon/intrinsics.h"
#include "kernels/neon/unroll.h"

/* The first `units` bytes, 1..16, of each of `count` vectors, `stride` bytes apart. A function of
 * its own, so that what it needs is not computed where whole vectors are stored. */
void er_store_parts_neon(const int8x16_t *q, int32_t count, int32_t units, int64_t stride,
                         int8_t *to);

/* The first `units` bytes of each of `count` rows.
 * @param rows [count, width]
 * @param width 8 or 16 */
void er_store_rows_neon(const int8_t *rows, int32_t width, int32_t count, int32_t units,
                        int64_t stride, int8_t *to);

#endif
