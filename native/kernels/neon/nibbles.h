/* 4-bit weights on an int8 gemm: half the bytes in memory. A panel is unpacked once into the
 * first-level cache, where all rows pass it; that costs a tenth of an instruction for each weight,
 * not each product.
 *
 * Packed, a panel is the int8 gemm's own head and, for each 32 weights, 16 bytes: weight i in the
 * low, weight i + 16 in the high nibble. Panels too deep for the stack stay int8. */
#ifndef ER_NEON_NIBBLES_H
#define ER_NEON_NIBBLES_H

#include <string.h>

#include "kernels/neon/settle.h"

enum { ER_UNPACKED_BYTES = 32 * 1024 }; /* of a panel */

ER_INLINE size_t er_w4_panel_bytes(const er_gemm_s8 *s8, int32_t depth) {
  const size_t head = s8->packed_bytes(1, 0);
  return head + (s8->packed_bytes(1, depth) - head) / 2;
}

ER_INLINE bool er_w4_is_packed(const er_gemm_s8 *s8, int32_t depth) {
  return s8->packed_bytes(1, depth) <= ER_UNPACKED_BYTES;
}

ER_INLINE size_t er_w4_packed_bytes(const er_gemm_s8 *s8, int32_t units, int32_t depth) {
  if (!er_w4_is_packed(s8, depth)) return s8->packed_bytes(units, depth);
  const int32_t panels = (units + s8->unit_step - 1) / s8->unit_step;
  return (size_t)panels * er_w4_panel_bytes(s8, depth);
}

/* @param panel [head, weights]  @param packed [head, weights / 2] */
ER_INLINE void er_w4_squeeze(const int8_t *panel, size_t head, size_t bytes, int8_t *packed) {
  memcpy(packed, panel, head);
  const int8_t *from = panel + head;
  int8_t *to = packed + head;
  for (size_t i = 0; i < bytes - head; i += 32, from += 32, to += 16) {
    for (int j = 0; j < 16; j++) to[j] = (int8_t)((from[j] & 15) | (from[j + 16] & 15) << 4);
  }
}

ER_INLINE void er_w4_unpack(const int8_t *packed, size_t head, size_t bytes, int8_t *panel) {
  memcpy(panel, packed, head);
  const int8_t *from = packed + head;
  int8_t *to = panel + head;
  for (size_t i = 0; i < bytes - head; i += 32, from += 16, to += 32) {
    const int8x16_t raw = vld1q_s8(from);
    vst1q_s8(to, vshrq_n_s8(vshlq_n_s8(raw, 4), 4));
    vst1q_s8(to + 16, vshrq_n_s8(raw, 4));
  }
}

ER_INLINE void er_w4_pack(const er_gemm_s8 *s8, const er_weights_s8 *w, void *packed) {
  if (!er_w4_is_packed(s8, w->depth)) {
    s8->pack(w, packed);
    return;
  }
  _Alignas(64) int8_t panel[ER_UNPACKED_BYTES];
  const size_t head = s8->packed_bytes(1, 0), bytes = s8->packed_bytes(1, w->depth);
  int8_t *to = packed;
  for (int32_t u = 0; u < w->units; u += s8->unit_step, to += er_w4_panel_bytes(s8, w->depth)) {
    er_weights_s8 part = *w;
    part.units = w->units - u < s8->unit_step ? w->units - u : s8->unit_step;
    part.values += (int64_t)u * w->depth;
    part.bias += u;
    part.scale += u;
    memset(panel, 0, bytes);
    s8->pack(&part, panel);
    er_w4_squeeze(panel, head, bytes, to);
  }
}

ER_INLINE void er_w4_run(const er_gemm_s8 *s8, const er_gemm_s8_call *c) {
  if (!er_w4_is_packed(s8, c->depth)) {
    s8->run(c);
    return;
  }
  _Alignas(64) int8_t panel[ER_UNPACKED_BYTES];
  const size_t head = s8->packed_bytes(1, 0), bytes = s8->packed_bytes(1, c->depth);
  for (int32_t u = c->first; u < c->last; u += s8->unit_step) {
    const size_t at = (size_t)(u / s8->unit_step) * er_w4_panel_bytes(s8, c->depth);
    er_w4_unpack((const int8_t *)c->packed + at, head, bytes, panel);
    er_gemm_s8_call part = *c;
    part.packed = panel;
    part.first = 0;
    part.last = part.units = c->last - u < s8->unit_step ? c->last - u : s8->unit_step;
    part.output += u;
    s8->run(&part);
  }
}

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
                         .packed_bytes = packed_bytes,                   \
                         .pack = pack,                                   \
                         .run = run};

#endif
