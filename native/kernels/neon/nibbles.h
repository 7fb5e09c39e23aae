/* 4-bit weights on an int8 gemm: half the bytes in memory. Panels are unpacked into the
 * first-level cache, a few at once, where all rows pass them; that costs an instruction for five
 * weights, not products. Panels too deep for the stack stay int8. */
#ifndef ER_NEON_NIBBLES_H
#define ER_NEON_NIBBLES_H

#include "kernels/linear_kernels.h"

size_t er_w4_packed_bytes(const er_gemm_s8 *s8, int32_t units, int32_t depth);
void er_w4_pack(const er_gemm_s8 *s8, const er_weights_s8 *weights, void *packed);
void er_w4_run(const er_gemm_s8 *s8, const er_gemm_s8_call *call);

/* The gemm `w4`, named `text`, on the gemm `s8`. */
#define ER_GEMM_W4(w4, text, s8)                                         \
  static size_t packed_bytes(int32_t units, int32_t depth) {             \
    return er_w4_packed_bytes(&s8, units, depth);                        \
  }                                                                      \
  static void pack(const er_weights_s8 *weights, void *packed) {         \
    er_w4_pack(&s8, weights, packed);                                    \
  }                                                                      \
  static void run(const er_gemm_s8_call *call) { er_w4_run(&s8, call); } \
  const er_gemm_s8 w4 = {.name = text,                                   \
                         .unit_step = ER_W4_UNITS,                       \
                         .row_step = ER_W4_ROWS,                         \
                         .unpacks = true,                                \
                         .segment_step = 16,                             \
                         .line_step = 4,                                 \
                         .packed_bytes = packed_bytes,                   \
                         .pack = pack,                                   \
                         .run = run};

#endif
