/* ADD and SUB of 8-bit integers, a vector at a time: inputs are interleaved as int16 pairs (a, b),
 * 256 times as large, multipliers of 22 bits are split in two parts that vpmaddwd can take. All
 * stays within its half of 128 bits, so packing brings back the order. One source for both vector
 * widths; before it is included these are defined:
 *
 *   vector        a vector of integers
 *   OP(name)      _mm256_name or _mm512_name
 *   WHOLE(name)   the same of names that end with si256 or si512 */
#include "kernels/avx2/avx2.h"

enum { STEP = sizeof(vector), LOW_BITS = 8 };

typedef struct constants {
  vector high, low; /* multiplier pairs (a, b) in int16: high * 2^LOW_BITS + low */
  vector offset;    /* rounding less the zero points' part */
  vector shift;
  vector zero_point, least, most;
  vector flip; /* 0x80 for uint8, which is int8 + 128 */
} constants;

static vector pair(int32_t a, int32_t b) {
  return OP(set1_epi32)((int32_t)((uint32_t)b << 16 | ((uint32_t)a & 0xFFFF)));
}

static constants prepare(const er_add_s8 *p, bool is_unsigned) {
  const int32_t shift = is_unsigned ? 128 : 0, mask = (1 << LOW_BITS) - 1;
  const int64_t offset = (INT64_C(1) << (p->shift - 1)) -
                         (int64_t)(p->a_zero - shift) * p->a_multiplier -
                         (int64_t)(p->b_zero - shift) * p->b_multiplier;
  return (constants){.high = pair(p->a_multiplier >> LOW_BITS, p->b_multiplier >> LOW_BITS),
                     .low = pair(p->a_multiplier & mask, p->b_multiplier & mask),
                     .offset = OP(set1_epi32)((int32_t)(uint32_t)(uint64_t)offset),
                     .shift = OP(set1_epi32)(p->shift),
                     .zero_point = OP(set1_epi16)((int16_t)(p->zero_point - shift)),
                     .least = OP(set1_epi8)((char)(p->low - shift)),
                     .most = OP(set1_epi8)((char)(p->high - shift)),
                     .flip = OP(set1_epi8)(is_unsigned ? -128 : 0)};
}

/* int32 results before the zero point. @param pairs 256 * (a, b) */
static ER_ALWAYS_INLINE vector scaled(const constants *k, vector pairs) {
  const vector high = OP(add_epi32)(OP(madd_epi16)(pairs, k->high), k->offset);
  const vector low = OP(srai_epi32)(OP(madd_epi16)(pairs, k->low), LOW_BITS);
  return OP(srav_epi32)(OP(add_epi32)(high, low), k->shift);
}

/* Twice as many as int16. @param a,b int16, 256 times as large */
static ER_ALWAYS_INLINE vector narrowed(const constants *k, vector a, vector b) {
  const vector v0 = scaled(k, OP(unpacklo_epi16)(a, b));
  const vector v1 = scaled(k, OP(unpackhi_epi16)(a, b));
  return OP(adds_epi16)(OP(packs_epi32)(v0, v1), k->zero_point);
}

static ER_ALWAYS_INLINE vector load(const uint8_t *from, const int32_t step, vector flip) {
  const vector bytes = step ? WHOLE(loadu)((const void *)from) : OP(set1_epi8)((char)*from);
  return WHOLE(xor)(bytes, flip);
}

static ER_ALWAYS_INLINE int32_t row(const constants *given, int32_t count, const uint8_t *a,
                                    const int32_t a_step, const uint8_t *b, const int32_t b_step,
                                    uint8_t *output) {
  const constants k = *given;
  const vector zero = WHOLE(setzero)();
  int32_t i = 0;
  for (; i + STEP <= count; i += STEP) {
    const vector x = load(a + i * a_step, a_step, k.flip);
    const vector y = load(b + i * b_step, b_step, k.flip);
    const vector low = narrowed(&k, OP(unpacklo_epi8)(zero, x), OP(unpacklo_epi8)(zero, y));
    const vector high = narrowed(&k, OP(unpackhi_epi8)(zero, x), OP(unpackhi_epi8)(zero, y));
    const vector bytes = OP(packs_epi16)(low, high);
    const vector clamped = OP(min_epi8)(OP(max_epi8)(bytes, k.least), k.most);
    WHOLE(storeu)((void *)(output + i), WHOLE(xor)(clamped, k.flip));
  }
  return i;
}

/* @return how many of `count` results are done: whole vectors */
static int32_t add_rows(const er_add_s8 *add, bool is_unsigned, int32_t count, const void *a,
                        int32_t a_step, const void *b, int32_t b_step, uint8_t *output) {
  if (add->shift > 30 || count < STEP) return 0;
  const constants k = prepare(add, is_unsigned);
  if (a_step && b_step) return row(&k, count, a, 1, b, 1, output);
  return a_step ? row(&k, count, a, 1, b, 0, output) : row(&k, count, a, 0, b, b_step, output);
}
