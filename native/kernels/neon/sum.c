/* Sums of int8 over pixels, channel by channel: global means. Other reductions stay generic. */
#include "kernels/neon/intrinsics.h"
#include "kernels/neon/layer.h"
#include "kernels/neon/unroll.h"

enum { CHANNELS = 16, CHAIN = 255 }; /* CHAIN: int8 that fit int16 when added */
enum { MOST_ROWS = 1 << 23 };        /* that fit int32 */

/* sums[16] of `rows` rows that lie `step` apart. */
static void sum_block(const int8_t *input, int32_t rows, int64_t step, int64_t *sums) {
  int32x4_t total[4];
  ER_UNROLL for (int v = 0; v < 4; v++) total[v] = vdupq_n_s32(0);
  for (int32_t first = 0; first < rows; first += CHAIN) {
    const int32_t last = first + CHAIN < rows ? first + CHAIN : rows;
    int16x8_t low = vdupq_n_s16(0), high = low;
    for (int32_t r = first; r < last; r++, input += step) {
      const int8x16_t in = vld1q_s8(input);
      low = vaddw_s8(low, vget_low_s8(in));
      high = vaddw_s8(high, vget_high_s8(in));
    }
    total[0] = vaddw_s16(total[0], vget_low_s16(low));
    total[1] = vaddw_s16(total[1], vget_high_s16(low));
    total[2] = vaddw_s16(total[2], vget_low_s16(high));
    total[3] = vaddw_s16(total[3], vget_high_s16(high));
  }
  ER_UNROLL for (int v = 0; v < 4; v++) {
    vst1q_s64(sums + 4 * v, vmovl_s32(vget_low_s32(total[v])));
    vst1q_s64(sums + 4 * v + 2, vmovl_s32(vget_high_s32(total[v])));
  }
}

void er_sum_neon(const er_reduce_shape *shape, edgert_type type, const void *input, int64_t *sums) {
  const int32_t kept =
      shape->rank == 3 && !shape->reduced[0] ? 1 : 0; /* [images,] rows, channels */
  const int32_t images = kept ? shape->dims[0] : 1;
  const int32_t rows = shape->dims[kept], channels = shape->dims[kept + 1];
  const bool known = type == EDGERT_INT8 && shape->rank == kept + 2 && shape->reduced[kept] &&
                     !shape->reduced[kept + 1] && channels >= CHANNELS && rows <= MOST_ROWS;
  if (!known) {
    er_sum(shape, type, input, sums);
    return;
  }
  for (int32_t image = 0; image < images; image++) {
    const int8_t *from = (const int8_t *)input + (int64_t)image * rows * channels;
    for (int32_t c = 0; c < channels; c += CHANNELS) { /* the last block may overlap */
      const int32_t at = c + CHANNELS <= channels ? c : channels - CHANNELS;
      sum_block(from + at, rows, channels, sums + (int64_t)image * channels + at);
    }
  }
}
