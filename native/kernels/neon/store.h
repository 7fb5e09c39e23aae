/* Parts of vectors to memory that ends with them. */
#ifndef ER_NEON_STORE_H
#define ER_NEON_STORE_H

#include <arm_neon.h>
#include <string.h>

#include "kernels/neon/unroll.h"

/* The first `count` bytes, 1..8. */
ER_INLINE void er_store_part8_neon(int8_t *to, int8x8_t value, int32_t count) {
  if (count == 8) {
    vst1_s8(to, value);
    return;
  }
  if (count & 4) {
    const int32_t four = vget_lane_s32(vreinterpret_s32_s8(value), 0);
    memcpy(to, &four, sizeof four);
    to += 4;
    value = vext_s8(value, value, 4);
  }
  if (count & 2) {
    const int16_t two = vget_lane_s16(vreinterpret_s16_s8(value), 0);
    memcpy(to, &two, sizeof two);
    to += 2;
    value = vext_s8(value, value, 2);
  }
  if (count & 1) *to = vget_lane_s8(value, 0);
}

/* The first `count` bytes, 1..16. */
ER_INLINE void er_store_part_neon(int8_t *to, int8x16_t value, int32_t count) {
  if (count == 16) {
    vst1q_s8(to, value);
  } else if (count > 8) {
    vst1_s8(to, vget_low_s8(value));
    er_store_part8_neon(to + 8, vget_high_s8(value), count - 8);
  } else {
    er_store_part8_neon(to, vget_low_s8(value), count);
  }
}

#endif
