/* One row times weights as they lie in the file, four units at a time. Each product is added alone:
 * the weights are not looked at before, and SADALP runs beside the multiplier anyway. */
#include "kernels/neon/gemv.h"
#include "kernels/neon/layer.h"

void er_gemv_settle(const er_gemv_s8_call *c, const er_settle_neon *settle, int32_t first,
                    int32_t count, int32x4_t sums) {
  int32_t bias[4] = {0};
  float scale[4] = {0};
  memcpy(bias, c->bias + first, (size_t)count * sizeof *bias);
  memcpy(scale, c->scale + first, (size_t)count * sizeof *scale);
  const int32x4_t acc = vaddq_s32(sums, vld1q_s32(bias));
  const int32x4_t q = er_scale_neon(ER_SATURATED, acc, vld1q_f32(scale), scale, settle);
  const int16x8_t placed = vqaddq_s16(er_saturated(ER_IN_ORDER, q, q), settle->zero_point);
  int8_t bytes[16];
  vst1q_s8(bytes, er_bytes_neon(ER_SATURATED, placed, placed, settle));
  memcpy(c->output + first, bytes, (size_t)count);
}

ER_INLINE void add_bytes(int32x4_t sums[2], int8x16_t w, const int8x16_t input[2]) {
  const int8x16_t in = input[0];
  sums[0] = vpadalq_s16(sums[0], vmull_s8(vget_low_s8(w), vget_low_s8(in)));
  sums[1] = vpadalq_s16(sums[1], vmull_s8(vget_high_s8(w), vget_high_s8(in)));
}

void er_gemv_s8_neon(const er_gemv_s8_call *c) { er_gemv_for_units(c, add_bytes, 0, false); }
