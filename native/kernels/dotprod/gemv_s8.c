/* One row times weights as they lie in the file, with dot products. */
#include "kernels/dotprod/layer.h"
#include "kernels/neon/gemv.h"

ER_INLINE void add16(int32x4_t sums[2], int8x16_t w, int8x16_t in) {
  sums[0] = vdotq_s32(sums[0], w, in);
}

static int32x4_t four_units(const int8_t *const rows[4], const int8_t *input, int32_t depth) {
  return er_gemv_four_units(add16, rows, input, depth);
}

void er_gemv_s8_dotprod(const er_gemv_s8_call *c) { er_gemv_for_units(c, four_units); }
