/* A table of 256 bytes held in 16 registers. TBL finds 0 where it looks beyond its 64 bytes, so the
 * four parts are looked up apart and brought together by ORR: on the A76 each TBX, as the NEON
 * kernel has them, takes longer than TBL and ORR. */
#include "kernels/dotprod/layer.h"
#include "kernels/neon/intrinsics.h"

void er_lookup_dotprod(const uint8_t *table, int64_t count, const uint8_t *input, uint8_t *output) {
  const uint8x16x4_t a = vld1q_u8_x4(table), b = vld1q_u8_x4(table + 64);
  const uint8x16x4_t c = vld1q_u8_x4(table + 128), d = vld1q_u8_x4(table + 192);
  int64_t i = 0;
  for (; i + 16 <= count; i += 16) {
    const uint8x16_t at = vld1q_u8(input + i);
    const uint8x16_t in_a = vqtbl4q_u8(a, at);
    const uint8x16_t in_b = vqtbl4q_u8(b, veorq_u8(at, vdupq_n_u8(64)));
    const uint8x16_t in_c = vqtbl4q_u8(c, veorq_u8(at, vdupq_n_u8(128)));
    const uint8x16_t in_d = vqtbl4q_u8(d, veorq_u8(at, vdupq_n_u8(192)));
    vst1q_u8(output + i, vorrq_u8(vorrq_u8(in_a, in_b), vorrq_u8(in_c, in_d)));
  }
  er_lookup(table, count - i, input + i, output + i);
}
