/* One row times weights as they lie in the file, four units at a time. Each product is added alone:
 * the weights are not looked at before, and SADALP runs beside the multiplier anyway. */
#include "kernels/neon/gemv.h"
#include "kernels/neon/layer.h"

/* acc += products of 16 bytes. */
ER_INLINE int32x4_t add16(int32x4_t acc, int8x16_t w, int8x16_t in) {
  acc = vpadalq_s16(acc, vmull_s8(vget_low_s8(w), vget_low_s8(in)));
  return vpadalq_s16(acc, vmull_s8(vget_high_s8(w), vget_high_s8(in)));
}

static int32x4_t four_units(const int8_t *const rows[4], const int8_t *input, int32_t depth) {
  return er_gemv_four_units(add16, rows, input, depth);
}

void er_gemv_s8_neon(const er_gemv_s8_call *c) { er_gemv_for_units(c, four_units); }
