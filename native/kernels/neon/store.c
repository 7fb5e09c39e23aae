#include "kernels/neon/store.h"

#include <string.h>

/* @param count 1..8 */
static void store8(int8_t *to, int8x8_t value, int32_t count) {
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

void er_store_parts_neon(const int8x16_t *q, int32_t count, int32_t units, int64_t stride,
                         int8_t *to) {
  for (int32_t i = 0; i < count; i++, to += stride) {
    if (units == 16) {
      vst1q_s8(to, q[i]);
    } else if (units > 8) {
      vst1_s8(to, vget_low_s8(q[i]));
      store8(to + 8, vget_high_s8(q[i]), units - 8);
    } else {
      store8(to, vget_low_s8(q[i]), units);
    }
  }
}

void er_store_rows_neon(const int8_t *rows, int32_t width, int32_t count, int32_t units,
                        int64_t stride, int8_t *to) {
  for (int32_t i = 0; i < count; i++, rows += width, to += stride) {
    store8(to, vld1_s8(rows), units < 8 ? units : 8);
    if (units > 8) store8(to + 8, vld1_s8(rows + 8), units - 8);
  }
}
