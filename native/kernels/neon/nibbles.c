/* Packed, a panel is the int8 gemm's own head and, for each 32 weights, 16 bytes: weight i, plus 8,
 * in the low nibble, weight i + 16 in the high one. So the low ones take an AND and a subtraction;
 * shifts, which the A76 has one pipe for, are needed for the high ones alone. */
#include "kernels/neon/nibbles.h"

#include <string.h>

enum { STEP = 32, PANEL_BYTES = 32 * 1024 }; /* unpacked at once */

/* The bytes of a panel. */
typedef struct panel_size {
  size_t head, weights; /* unpacked */
} panel_size;

static panel_size size_of(const er_gemm_s8 *s8, int32_t depth) {
  const size_t head = s8->packed_bytes(1, 0);
  return (panel_size){head, s8->packed_bytes(1, depth) - head};
}

static size_t unpacked_bytes(panel_size p) { return p.head + p.weights; }
static size_t squeezed_bytes(panel_size p) { return p.head + p.weights / 2; }
static bool is_squeezed(panel_size p) { return unpacked_bytes(p) <= PANEL_BYTES; }

bool er_w4_is_squeezed(const er_gemm_s8 *s8, int32_t depth) {
  return is_squeezed(size_of(s8, depth));
}

size_t er_w4_packed_bytes(const er_gemm_s8 *s8, int32_t units, int32_t depth) {
  const panel_size p = size_of(s8, depth);
  if (!is_squeezed(p)) return s8->packed_bytes(units, depth);
  return (size_t)((units + s8->unit_step - 1) / s8->unit_step) * squeezed_bytes(p);
}

static void squeeze(const int8_t *panel, panel_size p, int8_t *packed) {
  memcpy(packed, panel, p.head);
  const int8_t *from = panel + p.head;
  int8_t *to = packed + p.head;
  for (size_t i = 0; i < p.weights; i += STEP, from += STEP, to += STEP / 2) {
    for (int j = 0; j < STEP / 2; j++) {
      to[j] = (int8_t)((from[j] + 8) | (from[j + STEP / 2] & 15) << 4);
    }
  }
}

static inline void unpack_step(int8x16_t raw, int8_t *to) {
  vst1q_s8(to, er_first_nibbles(raw));
  vst1q_s8(to + STEP / 2, er_second_nibbles(raw));
}

static void unpack(const int8_t *packed, panel_size p, int8_t *panel) {
  memcpy(panel, packed, p.head);
  const int8_t *from = packed + p.head;
  int8_t *to = panel + p.head, *end = to + p.weights;
  if (p.weights % (2 * STEP) != 0) {
    unpack_step(vld1q_s8(from), to);
    from += STEP / 2;
    to += STEP;
  }
  for (; to < end; from += STEP, to += 2 * STEP) {
    const int8x16_t raw = vld1q_s8(from), next = vld1q_s8(from + STEP / 2);
    unpack_step(raw, to);
    unpack_step(next, to + STEP);
  }
}

void er_w4_pack(const er_gemm_s8 *s8, const er_weights_s8 *w, void *packed) {
  const panel_size p = size_of(s8, w->depth);
  if (!is_squeezed(p)) {
    s8->pack(w, packed);
    return;
  }
  _Alignas(64) int8_t panel[PANEL_BYTES];
  int8_t *to = packed;
  for (int32_t u = 0; u < w->units; u += s8->unit_step, to += squeezed_bytes(p)) {
    er_weights_s8 part = *w;
    part.units = w->units - u < s8->unit_step ? w->units - u : s8->unit_step;
    part.values += (int64_t)u * w->depth;
    part.bias += u;
    part.scale += u;
    memset(panel, 0, unpacked_bytes(p));
    s8->pack(&part, panel);
    squeeze(panel, p, to);
  }
}

void er_w4_run(const er_gemm_s8 *s8, const er_gemm_s8_call *c) {
  const panel_size p = size_of(s8, c->depth);
  if (!is_squeezed(p)) {
    s8->run(c);
    return;
  }
  _Alignas(64) int8_t panels[PANEL_BYTES];
  const size_t bytes = unpacked_bytes(p);
  const int32_t fitting = (int32_t)(PANEL_BYTES / bytes);
  const int8_t *from =
      (const int8_t *)c->packed + (size_t)(c->first / s8->unit_step) * squeezed_bytes(p);
  er_gemm_s8_call part = *c;
  part.packed = panels;
  part.first = 0;
  part.output += c->first;
  for (int32_t left = c->last - c->first; left > 0; left -= part.units) {
    const int32_t most = fitting * s8->unit_step;
    part.last = part.units = left < most ? left : most;
    int8_t *to = panels;
    for (int32_t u = 0; u < part.units; u += s8->unit_step) {
      unpack(from, p, to);
      from += squeezed_bytes(p);
      to += bytes;
    }
    s8->run(&part);
    part.output += part.units;
  }
}
