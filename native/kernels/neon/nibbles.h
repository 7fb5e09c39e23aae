/* 4-bit weights on an int8 gemm: half the bytes in memory. Panels are unpacked into the
 * first-level cache, a few at once, where all rows pass them; that costs an instruction for five
 * weights, not products. Panels too deep for the stack stay int8. */
#ifndef ER_NEON_NIBBLES_H
#define ER_NEON_NIBBLES_H

#include "kernels/linear_kernels.h"
#include "kernels/neon/intrinsics.h"
#include "kernels/neon/unroll.h"

/* Of 32 weights that follow each other, packed in 16 bytes: the first and the second half. */
ER_INLINE int8x16_t er_first_nibbles(int8x16_t raw) {
  return vsubq_s8(vandq_s8(raw, vdupq_n_s8(15)), vdupq_n_s8(8));
}
ER_INLINE int8x16_t er_second_nibbles(int8x16_t raw) { return vshrq_n_s8(raw, 4); }

size_t er_w4_packed_bytes(const er_gemm_s8 *s8, int32_t units, int32_t depth);
void er_w4_pack(const er_gemm_s8 *s8, const er_weights_s8 *weights, void *packed);
/** Whether panels of this depth are packed so; else they are the int8 gemm's own. */
bool er_w4_is_squeezed(const er_gemm_s8 *s8, int32_t depth);
void er_w4_run(const er_gemm_s8 *s8, const er_gemm_s8_call *call);

/* The gemm `w4`, named `text`, on the gemm `s8`.
 * @param multiply as er_w4_run */
#define ER_GEMM_W4(w4, text, s8, multiply)                              \
  static size_t packed_bytes(int32_t units, int32_t depth) {            \
    return er_w4_packed_bytes(&s8, units, depth);                       \
  }                                                                     \
  static void pack(const er_weights_s8 *weights, void *packed) {        \
    er_w4_pack(&s8, weights, packed);                                   \
  }                                                                     \
  static void run(const er_gemm_s8_call *call) { multiply(&s8, call); } \
  const er_gemm_s8 w4 = {.name = text,                                  \
                         .unit_step = ER_W4_UNITS,                      \
                         .row_step = ER_W4_ROWS,                        \
                         .unpacks = true,                               \
                         .segment_step = 16,                            \
                         .line_step = 4,                                \
                         .packed_bytes = packed_bytes,                  \
                         .pack = pack,                                  \
                         .run = run};

#endif
