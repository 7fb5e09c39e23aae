/* From sums to stored integers in vectors: clamp(rint(float(acc) * scale) + zero_point), to the bit
 * what er_settle gives. There are several ways; the weights prove (units.h) which hold for all
 * inputs.
 *
 * ER_SATURATED    SCVTF FMUL FCVTNS, then narrowed with saturation: always.
 *
 * ER_BOUNDED      |acc * scale| < 2^15: SCVTF FMUL FADD. MAGIC = 1.5 * 2^23 is a float whose last
 * bit counts 1: adding it rounds to an integer, ties to even, that the low 16 bits show. The even
 * part of the zero point is added with it.
 *
 * ER_FMA_ADD      no conversion, which is slow on cores like the A76 (one pipe, two cycles each).
 * The sum starts so that its bits are those of a float, and one FMLA is acc * scale, but for what
 * does not matter (one_fma.h). Then FADD. The zero point is even.
 *
 * ER_FMA_ADD_ODD  the same for any zero point.
 *
 * ER_ONE_FMA      a single FMLA, see one_fma.h.
 *
 * ER_PLAIN        not at all: the sums are the result.
 *
 * The ways by FMLA need all of -128..127 to be allowed: nothing is clamped but by the narrowing. */
#ifndef ER_NEON_SETTLE_H
#define ER_NEON_SETTLE_H

#include "kernels/linear_kernels.h"
#include "kernels/neon/intrinsics.h"
#include "kernels/neon/unroll.h"

enum er_settling { ER_SATURATED, ER_BOUNDED, ER_FMA_ADD_ODD, ER_FMA_ADD, ER_ONE_FMA, ER_PLAIN };

/* The order of sums in two vectors, a and b, of four. */
enum er_order {
  ER_IN_ORDER, /* 0 1 2 3 | 4 5 6 7, brought together by UZP1 */
  ER_NARROWED, /* the same by XTN and XTN2, which are cheaper on the A72 */
  ER_EVEN_ODD /* 0 2 4 6 | 1 3 5 7: one TRN1 brings both together, the cheapest of all on the A72 */
};

#define ER_MAGIC_FLOAT 12582912.0f

typedef struct er_settle_neon {
  int16x8_t zero_point, odd; /* odd: what `magic` does not hold of it, 0 or 1 */
  int8x16_t low, high;
  float32x4_t magic;
} er_settle_neon;

ER_INLINE er_settle_neon er_settle_neon_of(er_range_s8 range) {
  const int32_t odd = range.zero_point & 1;
  return (er_settle_neon){vdupq_n_s16((int16_t)range.zero_point), vdupq_n_s16((int16_t)odd),
                          vdupq_n_s8((int8_t)range.low), vdupq_n_s8((int8_t)range.high),
                          vdupq_n_f32(ER_MAGIC_FLOAT + (float)(range.zero_point - odd))};
}

/* To the nearest, ties to even. */
ER_INLINE int32x4_t er_rint_neon(float32x4_t value) {
#ifdef __aarch64__
  return vcvtnq_s32_f32(value);
#else
  /* ARMv7 converts towards zero only. Beyond 2^15 int8 saturates anyway. */
  const float32x4_t magic = vdupq_n_f32(ER_MAGIC_FLOAT), most = vdupq_n_f32(32768.0f);
  value = vminq_f32(vmaxq_f32(value, vnegq_f32(most)), most);
  return vsubq_s32(vreinterpretq_s32_f32(vaddq_f32(value, magic)), vreinterpretq_s32_f32(magic));
#endif
}

/* Four sums to integers; but for ER_SATURATED only the low 16 bits count.
 * @param scale [4]
 * @param offset [4] not read by ER_SATURATED and ER_BOUNDED. FMLA writes over it: ER_AGAIN before
 *   the call has it loaded anew, where a copy would take a slot of the vector pipes. */
ER_INLINE int32x4_t er_scale_neon(const enum er_settling how, int32x4_t sum, float32x4_t scale,
                                  const float *offset, const er_settle_neon *s) {
  const float32x4_t x = vreinterpretq_f32_s32(sum);
  float32x4_t value = x;
  if (how == ER_SATURATED) return er_rint_neon(vmulq_f32(vcvtq_f32_s32(sum), scale));
  if (how == ER_BOUNDED) value = vmulq_f32(vcvtq_f32_s32(sum), scale);
#ifdef __aarch64__
  if (how >= ER_FMA_ADD_ODD) value = vfmaq_f32(vld1q_f32(offset), x, scale);
#else
  (void)offset; /* no way of ARMv7 reads it */
#endif
  if (how == ER_ONE_FMA) return vreinterpretq_s32_f32(value);
  return vreinterpretq_s32_f32(vaddq_f32(value, s->magic));
}

ER_INLINE int16x8_t er_low_halves(const enum er_order order, int32x4_t a, int32x4_t b) {
  const int16x8_t x = vreinterpretq_s16_s32(a), y = vreinterpretq_s16_s32(b);
  if (order == ER_NARROWED) {
    int16x4_t low = vmovn_s32(a);
    __asm__("" : "+w"(low)); /* else gcc makes an UZP1 of both */
    return vmovn_high_s32(low, b);
  }
  return order == ER_EVEN_ODD ? vtrn1q_s16(x, y) : vuzp1q_s16(x, y);
}

/* Eight integers with saturation, in order. */
ER_INLINE int16x8_t er_saturated(const enum er_order order, int32x4_t a, int32x4_t b) {
  const int16x4_t x = vqmovn_s32(a), y = vqmovn_s32(b);
  const int16x4x2_t zipped = vzip_s16(x, y);
  return order == ER_EVEN_ODD ? vcombine_s16(zipped.val[0], zipped.val[1]) : vcombine_s16(x, y);
}

/* Eight of er_scale_neon's integers together; they lack only the last narrowing. */
ER_INLINE int16x8_t er_together_neon(const enum er_settling how, const enum er_order order,
                                     int32x4_t a, int32x4_t b, const er_settle_neon *s) {
  const int16x8_t q = how == ER_SATURATED ? er_saturated(order, a, b) : er_low_halves(order, a, b);
  if (how == ER_SATURATED) return vqaddq_s16(q, s->zero_point);
  return how >= ER_FMA_ADD ? q : vaddq_s16(q, s->odd);
}

/* Eight sums to integers that lack only the last narrowing.
 * @param scale,offset [8] in the order of the sums */
ER_INLINE int16x8_t er_settle8_neon(const enum er_settling how, const enum er_order order,
                                    int32x4_t a, int32x4_t b, const float *scale,
                                    const float *offset, const er_settle_neon *s) {
  a = er_scale_neon(how, a, vld1q_f32(scale), offset, s);
  b = er_scale_neon(how, b, vld1q_f32(scale + 4), offset + 4, s);
  return er_together_neon(how, order, a, b, s);
}

/* The same of 8 or 16, each vector of offsets loaded anew and alone: to the A72 a pair of loads is
 * three operations, two loads are two.
 * @param vectors 2 or 4
 * @param scale,offset [4 * vectors] */
ER_INLINE void er_settle_row_neon(const enum er_settling how, const enum er_order order,
                                  const int vectors, const int32x4_t *sums, const float *scale,
                                  const float **offset, const er_settle_neon *s,
                                  int16x8_t wide[2]) {
  int32x4_t q[4];
  ER_UNROLL for (int v = 0; v < vectors; v++) {
    if (how >= ER_FMA_ADD_ODD) ER_AGAIN(*offset);
    q[v] = er_scale_neon(how, sums[v], vld1q_f32(scale + 4 * v), *offset + 4 * v, s);
  }
  ER_UNROLL for (int i = 0; i < vectors / 2; i++) {
    wide[i] = er_together_neon(how, order, q[2 * i], q[2 * i + 1], s);
  }
}

/* Whether a way leaves nothing to clamp but what the last narrowing saturates. */
ER_INLINE bool er_is_whole(const enum er_settling how) { return how >= ER_FMA_ADD_ODD; }

ER_INLINE int8x16_t er_bytes_neon(const enum er_settling how, int16x8_t a, int16x8_t b,
                                  const er_settle_neon *s) {
  const int8x16_t q = vqmovn_high_s16(vqmovn_s16(a), b);
  return er_is_whole(how) ? q : vminq_s8(vmaxq_s8(q, s->low), s->high);
}

/* The same of eight; cheaper than halves of sixteen. */
ER_INLINE int8x8_t er_eight_bytes_neon(const enum er_settling how, int16x8_t wide,
                                       const er_settle_neon *s) {
  const int8x8_t q = vqmovn_s16(wide);
  if (er_is_whole(how)) return q;
  return vmin_s8(vmax_s8(q, vget_low_s8(s->low)), vget_low_s8(s->high));
}

#endif
