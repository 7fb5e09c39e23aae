/* BATCH_MATMUL of 8-bit integers with AVX2: tiles of 6 rows and 16 columns, products of int16 pairs
 * (vpmaddwd). The right matrix is cut in panels [depth / 2][16 columns][2] on each run. */
#include "avx2.h"
#include "kernels/load.h"
#include "kernels/slots.h"

enum { ROWS = 6, COLUMNS = 16, LANES = 8 };

/* ---- both matrices as int16, less their zero points ------------------------------------------ */

/* Bytes are read as int8: `flip` turns uint8 into that, 128 lower. */
typedef struct side {
  const uint8_t *values;
  bool
      transposed; /* the depth is the outer dimension of the left one, the inner of the right one */
  uint8_t flip;
  int16_t zero;
} side;

static side make_side(const er_matmul_rule *r, const void *values, int64_t at, int32_t zero,
                      bool transposed) {
  const bool is_unsigned = r->type == EDGERT_UINT8;
  return (side){(const uint8_t *)values + at, transposed, is_unsigned ? 0x80 : 0,
                (int16_t)(is_unsigned ? zero - 128 : zero)};
}

static ER_ALWAYS_INLINE __m256i widen16(const uint8_t *from, __m128i flip, __m256i zero) {
  const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)from);
  return _mm256_sub_epi16(_mm256_cvtepi8_epi16(_mm_xor_si128(bytes, flip)), zero);
}

static int16_t widen1(const side *s, int64_t at) {
  return (int16_t)((int8_t)(s->values[at] ^ s->flip) - s->zero);
}

/* @param rows [count][pitch], pitch = depth or depth + 1, which is even */
static void widen_rows(const side *s, int32_t count, int32_t depth, int32_t pitch, int16_t *rows) {
  const __m128i flip = _mm_set1_epi8((char)s->flip);
  const __m256i zero = _mm256_set1_epi16(s->zero);
  for (int32_t r = 0; r < count; r++, rows += pitch) {
    int32_t d = 0;
    for (; !s->transposed && d + 16 <= depth; d += 16) {
      const __m256i x = widen16(s->values + (int64_t)r * depth + d, flip, zero);
      _mm256_storeu_si256((__m256i *)(void *)(rows + d), x);
    }
    for (; d < depth; d++) {
      rows[d] = widen1(s, s->transposed ? (int64_t)d * count + r : (int64_t)r * depth + d);
    }
    if (d < pitch) rows[d] = 0;
  }
}

/* One value of a panel, anywhere. */
static int16_t *place(int16_t *panel, int32_t d, int32_t column) {
  int32_t slot = 0;
  while (er_unit_of_slot(LANES, true, slot) != column) slot++;
  return panel + (d / 2 * COLUMNS + slot) * 2 + d % 2;
}

/* The columns [first, first + width) of a matrix from depth `done` on, which is even; those beyond
 * as zeros. */
static void pack_slowly(const side *s, int32_t columns, int32_t depth, int32_t first, int32_t width,
                        int32_t done, int16_t *panel) {
  const int32_t left = (depth + 1) / 2 * 2 - done;
  memset(panel + (int64_t)done * COLUMNS, 0, (size_t)left * COLUMNS * sizeof *panel);
  for (int32_t c = 0; c < width; c++) {
    int16_t *to = place(panel, 0, c);
    for (int32_t d = done; d < depth; d++) {
      const int64_t at =
          s->transposed ? (int64_t)(first + c) * depth + d : (int64_t)d * columns + first + c;
      to[d / 2 * 2 * COLUMNS + d % 2] = widen1(s, at);
    }
  }
}

static void pack_panel(const side *s, int32_t columns, int32_t depth, int32_t first,
                       int16_t *panel) {
  const __m128i flip = _mm_set1_epi8((char)s->flip);
  const __m256i zero = _mm256_set1_epi16(s->zero);
  const uint8_t *from = s->values + first;
  __m256i *to = (__m256i *)(void *)panel;
  for (int32_t d = 0; d < depth; d += 2, from += 2 * (int64_t)columns, to += 2) {
    const __m256i even = widen16(from, flip, zero);
    const __m256i odd =
        d + 1 < depth ? widen16(from + columns, flip, zero) : _mm256_setzero_si256();
    _mm256_storeu_si256(to, _mm256_unpacklo_epi16(even, odd));
    _mm256_storeu_si256(to + 1, _mm256_unpackhi_epi16(even, odd));
  }
}

/* Eight values of a column, and of the one that lies eight further, as int16. */
static ER_ALWAYS_INLINE __m256i widen_two(const side *s, const uint8_t *from, int32_t depth) {
  const __m128i low = _mm_loadl_epi64((const __m128i *)(const void *)from);
  const __m128i high =
      _mm_loadl_epi64((const __m128i *)(const void *)(from + (int64_t)LANES * depth));
  const __m128i bytes = _mm_xor_si128(_mm_unpacklo_epi64(low, high), _mm_set1_epi8((char)s->flip));
  return _mm256_sub_epi16(_mm256_cvtepi8_epi16(bytes), _mm256_set1_epi16(s->zero));
}

/* Half of the columns of four pairs along the depth: in both lanes, 4 x 4 pairs are transposed.
 * @param[out] to every other vector is written */
static ER_ALWAYS_INLINE void turn_pairs(const side *s, const uint8_t *from, int32_t depth,
                                        __m256i *to) {
  const __m256i a = widen_two(s, from, depth);
  const __m256i b = widen_two(s, from + depth, depth);
  const __m256i c = widen_two(s, from + 2 * (int64_t)depth, depth);
  const __m256i d = widen_two(s, from + 3 * (int64_t)depth, depth);
  const __m256i ab = _mm256_unpacklo_epi32(a, b), ab2 = _mm256_unpackhi_epi32(a, b);
  const __m256i cd = _mm256_unpacklo_epi32(c, d), cd2 = _mm256_unpackhi_epi32(c, d);
  _mm256_storeu_si256(to, _mm256_unpacklo_epi64(ab, cd));
  _mm256_storeu_si256(to + 2, _mm256_unpackhi_epi64(ab, cd));
  _mm256_storeu_si256(to + 4, _mm256_unpacklo_epi64(ab2, cd2));
  _mm256_storeu_si256(to + 6, _mm256_unpackhi_epi64(ab2, cd2));
}

/* Columns that lie along the depth. @return the depth that is packed; the rest is less than 8 */
static int32_t pack_turned(const side *s, int32_t depth, int32_t first, int16_t *panel) {
  const uint8_t *from = s->values + (int64_t)first * depth;
  __m256i *to = (__m256i *)(void *)panel;
  int32_t d = 0;
  for (; d + 8 <= depth; d += 8, from += 8, to += 8) {
    turn_pairs(s, from, depth, to);
    turn_pairs(s, from + 4 * (int64_t)depth, depth, to + 1);
  }
  return d;
}

static void pack(const side *s, int32_t columns, int32_t depth, int32_t first, int16_t *panel) {
  const int32_t width = columns - first < COLUMNS ? columns - first : COLUMNS;
  if (width == COLUMNS && !s->transposed) {
    pack_panel(s, columns, depth, first, panel);
  } else {
    const int32_t done = width == COLUMNS ? pack_turned(s, depth, first, panel) : 0;
    pack_slowly(s, columns, depth, first, width, done, panel);
  }
}

/* ---- from sums to bytes ---------------------------------------------------------------------- */

typedef struct finish {
  __m256i multiplier, nudge, mask, half;
  __m128i right;
  er_avx2_range range;
  __m128i flip;
} finish;

static finish make_finish(const er_matmul_rule *r) {
  const int32_t shift = r->type == EDGERT_UINT8 ? 128 : 0, right = -r->scale.exponent;
  const int32_t mask = (int32_t)((UINT32_C(1) << right) - 1);
  const er_range_s8 range = {r->out_zero - shift, r->low - shift, r->high - shift};
  return (finish){_mm256_set1_epi32(r->scale.multiplier),
                  _mm256_set1_epi64x(INT64_C(1) << 30),
                  _mm256_set1_epi32(mask),
                  _mm256_set1_epi32(mask >> 1),
                  _mm_cvtsi32_si128(right),
                  er_avx2_range_of(range),
                  _mm_set1_epi8((char)(shift ? 0x80 : 0))};
}

/* mulfix of docs/NUMERICS.md for factors below 1. The bits 31 to 62 of each product plus 2^30 are
 * its 2^31th, ties upwards. */
static ER_ALWAYS_INLINE __m256i mulfix(const finish *f, __m256i sums) {
  const __m256i odd_sums = _mm256_srli_epi64(sums, 32);
  const __m256i even = _mm256_add_epi64(_mm256_mul_epi32(sums, f->multiplier), f->nudge);
  const __m256i odd = _mm256_add_epi64(_mm256_mul_epi32(odd_sums, f->multiplier), f->nudge);
  const __m256i high =
      _mm256_blend_epi32(_mm256_srli_epi64(even, 31), _mm256_slli_epi64(odd, 1), 0xAA);
  /* Now by 2^right, ties away from zero. */
  const __m256i rest = _mm256_and_si256(high, f->mask);
  const __m256i threshold = _mm256_sub_epi32(f->half, _mm256_srai_epi32(high, 31));
  return _mm256_sub_epi32(_mm256_sra_epi32(high, f->right), _mm256_cmpgt_epi32(rest, threshold));
}

static ER_ALWAYS_INLINE void store(const finish *f, __m256i v0, __m256i v1, int32_t columns,
                                   int8_t *output) {
  const __m128i bytes = er_avx2_settle(mulfix(f, v0), mulfix(f, v1), f->range);
  er_store_bytes(_mm_xor_si128(bytes, f->flip), columns, output);
}

/* ---- a tile ---------------------------------------------------------------------------------- */

typedef struct tile {
  const int16_t *rows; /* [ROWS][pitch] */
  int32_t pitch;
  const int16_t *panel; /* [pitch / 2][COLUMNS][2] */
  finish finish;
  int8_t *output;
  int32_t stride, columns; /* columns to store */
} tile;

#define EACH_ROW(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5)
#define DECLARE(r) __m256i s##r##0 = _mm256_setzero_si256(), s##r##1 = s##r##0;
/* The empty instructions keep gcc from reordering what registers then do not do for. */
#define KEEP(r) __asm__("" : "+x"(s##r##0), "+x"(s##r##1));
#define MADD(r)                                                    \
  if (rows > r) {                                                  \
    const __m256i x = er_spread32(row + r * t->pitch);             \
    s##r##0 = _mm256_add_epi32(s##r##0, _mm256_madd_epi16(x, w0)); \
    s##r##1 = _mm256_add_epi32(s##r##1, _mm256_madd_epi16(x, w1)); \
    KEEP(r)                                                        \
  }
#define STORE(r) \
  if (rows > r) store(&t->finish, s##r##0, s##r##1, t->columns, t->output + r * (int64_t)t->stride);

/* rows is a constant, so that all sums are registers. */
static ER_ALWAYS_INLINE void multiply(const tile *t, const int rows) {
  EACH_ROW(DECLARE)
  const int16_t *row = t->rows;
  const __m256i *w = (const __m256i *)(const void *)t->panel;
  for (int32_t d = 0; d < t->pitch; d += 2, row += 2, w += 2) {
    const __m256i w0 = _mm256_loadu_si256(w), w1 = _mm256_loadu_si256(w + 1);
    EACH_ROW(MADD)
  }
  EACH_ROW(STORE)
}

#define KERNEL(r) \
  static void multiply_##r(const tile *t) { multiply(t, (r) + 1); }
EACH_ROW(KERNEL)

#define NAME(r) multiply_##r,
static void (*const kernels[ROWS])(const tile *t) = {EACH_ROW(NAME)};

/* ---- the product ----------------------------------------------------------------------------- */

void er_batch_matmul_avx2(const er_matmul_shape *shape, const er_matmul_rule *rule, const void *a,
                          const void *b, void *output, int32_t product, int16_t *scratch) {
  const er_matmul_shape *s = shape;
  if (rule->type == EDGERT_INT16 || rule->scale.exponent > 0) {
    er_batch_matmul(shape, rule, a, b, output, product, scratch);
    return;
  }
  const side left = make_side(rule, a, (int64_t)s->a_index[product] * s->rows * s->depth,
                              rule->a_zero, s->a_transposed);
  const side right = make_side(rule, b, (int64_t)s->b_index[product] * s->depth * s->columns,
                               rule->b_zero, s->b_transposed);
  tile t = {.pitch = (s->depth + 1) / 2 * 2, .finish = make_finish(rule), .stride = s->columns};
  int16_t *rows = scratch + (int64_t)t.pitch * COLUMNS;
  t.panel = scratch;
  widen_rows(&left, s->rows, s->depth, t.pitch, rows);
  for (int32_t first = 0; first < s->columns; first += COLUMNS) {
    t.columns = s->columns - first < COLUMNS ? s->columns - first : COLUMNS;
    pack(&right, s->columns, s->depth, first, scratch);
    for (int32_t r = 0; r < s->rows; r += ROWS) {
      t.rows = rows + (int64_t)r * t.pitch;
      t.output = (int8_t *)output + ((int64_t)product * s->rows + r) * s->columns + first;
      kernels[(s->rows - r < ROWS ? s->rows - r : ROWS) - 1](&t);
    }
  }
}
