/* One row times weights as they lie in the file, with dot products. */
#include "kernels/dotprod/layer.h"
#include "kernels/neon/gemv.h"

ER_INLINE void add_bytes(int32x4_t sums[2], int8x16_t w, const int8x16_t input[2]) {
  sums[0] = vdotq_s32(sums[0], w, input[0]);
}

/* Nibbles that stay in the upper half of a byte are weights times 16. */
ER_INLINE void add_nibbles(int32x4_t sums[2], int8x16_t w, const int8x16_t input[2]) {
  sums[0] = vdotq_s32(sums[0], vshlq_n_s8(w, 4), input[0]);
  sums[1] = vdotq_s32(sums[1], vandq_s8(w, vdupq_n_s8(-16)), input[1]);
}

void er_gemv_s8_dotprod(const er_gemv_s8_call *c) { er_gemv_for_units(c, add_bytes, 0, false); }
void er_gemv_w4_dotprod(const er_gemv_s8_call *c) { er_gemv_for_units(c, add_nibbles, 4, true); }
