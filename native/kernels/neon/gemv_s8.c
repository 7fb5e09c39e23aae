/* One row times weights as they lie in the file, four units at a time. Each product is added alone:
 * the weights are not looked at before, and SADALP runs beside the multiplier anyway. */
#include "kernels/neon/gemv.h"
#include "kernels/neon/layer.h"

/* Products of 16 bytes. */
ER_INLINE void add16(int32x4_t sums[2], int8x16_t w, int8x16_t in) {
  sums[0] = vpadalq_s16(sums[0], vmull_s8(vget_low_s8(w), vget_low_s8(in)));
  sums[1] = vpadalq_s16(sums[1], vmull_s8(vget_high_s8(w), vget_high_s8(in)));
}

static int32x4_t four_units(const int8_t *const rows[4], const int8_t *input, int32_t depth) {
  return er_gemv_four_units(add16, rows, input, depth);
}

void er_gemv_s8_neon(const er_gemv_s8_call *c) { er_gemv_for_units(c, four_units); }
