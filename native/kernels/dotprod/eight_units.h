/* What a kernel knows of eight units (or channels) beside their weights. Pairs of vectors are
 * loaded by LDP, of which compilers make but some, and anew each time: a copy would take a slot of
 * the vector pipes. The A72, to which LDP is three operations, never comes here. */
#ifndef ER_DOTPROD_EIGHT_UNITS_H
#define ER_DOTPROD_EIGHT_UNITS_H

#include "kernels/neon/settle.h"
#include "kernels/neon/units.h"

typedef struct er_eight_units {
  int32_t start[8]; /* of the sums */
  float scale[8], offset[8];
} er_eight_units;

static inline void er_set_unit(const er_unit *unit, enum er_settling how, int32_t i,
                               er_eight_units *units) {
  const er_unit_constants constants = er_constants_of(unit, how);
  units->start[i] = constants.start;
  units->scale[i] = constants.scale;
  units->offset[i] = constants.offset;
}

/* @param start [8] */
ER_INLINE void er_start(const int32_t *start, int32x4_t sums[2]) {
  __asm__ volatile("ldp %q0, %q1, [%2]"
                   : "=w"(sums[0]), "=w"(sums[1])
                   : "r"(start), "m"(*(const int32_t(*)[8])start));
}

ER_INLINE void er_load_scale(const er_eight_units *units, float32x4_t scale[2]) {
  __asm__ volatile("ldp %q0, %q1, [%2, 32]"
                   : "=w"(scale[0]), "=w"(scale[1])
                   : "r"(units), "m"(*units));
}

/* The way by one FMLA. In one piece: else offsets are copied between the load and the FMLA. */
ER_INLINE int8x8_t er_settle_one_fma(const er_eight_units *units, const float32x4_t scale[2],
                                     const int32x4_t sums[2]) {
  int8x8_t q;
  float32x4_t second;
  __asm__ volatile(
      "ldp %q0, %q1, [%2, 64]\n\t"
      "fmla %0.4s, %3.4s, %5.4s\n\t"
      "fmla %1.4s, %4.4s, %6.4s\n\t"
      "uzp1 %0.8h, %0.8h, %1.8h\n\t"
      "sqxtn %0.8b, %0.8h"
      : "=&w"(q), "=&w"(second)
      : "r"(units), "w"(sums[0]), "w"(sums[1]), "w"(scale[0]), "w"(scale[1]), "m"(*units));
  return q;
}

/* offset + sum * scale, the same. */
ER_INLINE void er_multiply_add(const er_eight_units *units, const float32x4_t scale[2],
                               const int32x4_t sums[2], float32x4_t values[2]) {
  __asm__ volatile(
      "ldp %q0, %q1, [%2, 64]\n\t"
      "fmla %0.4s, %3.4s, %5.4s\n\t"
      "fmla %1.4s, %4.4s, %6.4s"
      : "=&w"(values[0]), "=&w"(values[1])
      : "r"(units), "w"(sums[0]), "w"(sums[1]), "w"(scale[0]), "w"(scale[1]), "m"(*units));
}

/* Sums of eight units to the bytes that are stored. */
ER_INLINE int8x8_t er_settle_eight(const enum er_settling how, const er_eight_units *units,
                                   const float32x4_t scale[2], const int32x4_t sums[2],
                                   const er_settle_neon *s) {
  if (how == ER_ONE_FMA) return er_settle_one_fma(units, scale, sums);
  int32x4_t q[2];
  if (how == ER_SATURATED) {
    ER_UNROLL for (int i = 0; i < 2; i++) q[i] =
        er_scale_neon(how, sums[i], scale[i], units->offset, s);
  } else {
    float32x4_t values[2];
    er_multiply_add(units, scale, sums, values);
    ER_UNROLL for (int i = 0; i < 2; i++) {
      q[i] = vreinterpretq_s32_f32(vaddq_f32(values[i], s->magic));
    }
  }
  return er_eight_bytes_neon(how, er_together_neon(how, ER_IN_ORDER, q[0], q[1], s), s);
}

#endif
