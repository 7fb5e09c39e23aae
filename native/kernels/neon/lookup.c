/* A table of 256 bytes held in 16 registers: TBL looks up in 64 of them, TBX in the next 64. */
#include "kernels/neon/intrinsics.h"
#include "kernels/neon/layer.h"

void er_lookup_neon(const uint8_t *table, int64_t count, const uint8_t *input, uint8_t *output) {
  int64_t i = 0;
#ifdef __aarch64__
  const uint8x16x4_t a = vld1q_u8_x4(table), b = vld1q_u8_x4(table + 64);
  const uint8x16x4_t c = vld1q_u8_x4(table + 128), d = vld1q_u8_x4(table + 192);
  const uint8x16_t next = vdupq_n_u8(64);
  for (; i + 16 <= count; i += 16) {
    uint8x16_t at = vld1q_u8(input + i);
    uint8x16_t value = vqtbl4q_u8(a, at);
    value = vqtbx4q_u8(value, b, at = vsubq_u8(at, next));
    value = vqtbx4q_u8(value, c, at = vsubq_u8(at, next));
    value = vqtbx4q_u8(value, d, vsubq_u8(at, next));
    vst1q_u8(output + i, value);
  }
#endif
  er_lookup(table, count - i, input + i, output + i);
}
