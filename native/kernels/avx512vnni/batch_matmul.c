/* BATCH_MATMUL of 8-bit integers with VNNI: tiles of 8 rows and 32 columns. Rows are made unsigned,
 * columns signed: with u = a - low and s = b - mid, where low is -128 or 0 and mid 0 or 128, and
 * zero points moved alike,
 *
 *   sum (a - za) (b - zb) = sum u s - za' sum s - zb' (sum u - depth za')
 *
 * of which the second part belongs to the column and the third to the row. */
#include "avx512vnni.h"
#include "kernels/load.h"

enum { ROWS = 8, LANES = 16, COLUMNS = 2 * LANES, QUAD = 4 };

/* ---- from sums to bytes ---------------------------------------------------------------------- */

typedef struct finish {
  __m512i multiplier, nudge, mask, half;
  __m128i right;
  __m256i zero_point;
  __m128i low, high, flip;
} finish;

static finish make_finish(const er_matmul_rule *r) {
  const int32_t shift = r->type == EDGERT_UINT8 ? 128 : 0, right = -r->scale.exponent;
  const int32_t mask = (int32_t)((UINT32_C(1) << right) - 1);
  return (finish){_mm512_set1_epi32(r->scale.multiplier),
                  _mm512_set1_epi64(INT64_C(1) << 30),
                  _mm512_set1_epi32(mask),
                  _mm512_set1_epi32(mask >> 1),
                  _mm_cvtsi32_si128(right),
                  _mm256_set1_epi16((int16_t)(r->out_zero - shift)),
                  _mm_set1_epi8((char)(r->low - shift)),
                  _mm_set1_epi8((char)(r->high - shift)),
                  _mm_set1_epi8((char)(shift ? 0x80 : 0))};
}

/* mulfix of docs/NUMERICS.md for factors below 1. The bits 31 to 62 of each product plus 2^30 are
 * its 2^31th, ties upwards. */
static ER_ALWAYS_INLINE __m512i mulfix(const finish *f, __m512i sums) {
  const __m512i odd_sums = _mm512_srli_epi64(sums, 32);
  const __m512i even = _mm512_add_epi64(_mm512_mul_epi32(sums, f->multiplier), f->nudge);
  const __m512i odd = _mm512_add_epi64(_mm512_mul_epi32(odd_sums, f->multiplier), f->nudge);
  const __m512i high =
      _mm512_mask_blend_epi32(0xAAAA, _mm512_srli_epi64(even, 31), _mm512_slli_epi64(odd, 1));
  /* Now by 2^right, ties away from zero. */
  const __m512i rest = _mm512_and_si512(high, f->mask);
  const __m512i threshold = _mm512_sub_epi32(f->half, _mm512_srai_epi32(high, 31));
  const __m512i whole = _mm512_sra_epi32(high, f->right);
  return _mm512_mask_add_epi32(whole, _mm512_cmpgt_epi32_mask(rest, threshold), whole,
                               _mm512_set1_epi32(1));
}

/* @param columns to store, more than 16 are 16; none where that is not positive */
static ER_ALWAYS_INLINE void store(const finish *f, __m512i sums, int32_t columns,
                                   uint8_t *output) {
  const __m256i wide = _mm256_adds_epi16(_mm512_cvtsepi32_epi16(mulfix(f, sums)), f->zero_point);
  const __m128i bytes = _mm_min_epi8(_mm_max_epi8(_mm256_cvtsepi16_epi8(wide), f->low), f->high);
  const __mmask16 first = columns < LANES ? (__mmask16)((1u << columns) - 1) : 0xFFFF;
  _mm_mask_storeu_epi8(output, first, _mm_xor_si128(bytes, f->flip));
}

/* ---- both matrices ------------------------------------------------------------------------------
 */

/* A matrix of bytes; `flip` makes them what the product wants. */
typedef struct side {
  const uint8_t *values;
  bool turned; /* the depth is the outer dimension of the left one, the inner of the right one */
  uint8_t flip;
} side;

/* @param rows [count][pitch], zeros behind the depth  @param[out] starts [count] */
static void lift_rows(const side *s, int32_t count, int32_t depth, int32_t pitch, int32_t a_zero,
                      int32_t b_zero, uint8_t *rows, int32_t *starts) {
  for (int32_t r = 0; r < count; r++, rows += pitch) {
    int32_t sum = 0;
    memset(rows + pitch - QUAD, 0, QUAD);
    for (int32_t d = 0; d < depth; d++) {
      const int64_t at = s->turned ? (int64_t)d * count + r : (int64_t)r * depth + d;
      rows[d] = s->values[at] ^ s->flip;
    }
    for (int32_t d = 0; d < depth; d++) sum += rows[d];
    starts[r] = -b_zero * (sum - depth * a_zero);
  }
}

/* Columns [first, first + count) as [pitch / 4][32][4], zeros where there are none. */
static void pack_turned(const side *s, int32_t depth, int32_t first, int32_t count,
                        uint8_t *panel) {
  const uint32_t flip = s->flip * 0x01010101u;
  for (int32_t c = 0; c < count; c++) {
    const uint8_t *from = s->values + (int64_t)(first + c) * depth;
    uint8_t *to = panel + c * QUAD;
    int32_t d = 0;
    for (; d + QUAD <= depth; d += QUAD, to += QUAD * COLUMNS) {
      uint32_t quad;
      memcpy(&quad, from + d, QUAD);
      quad ^= flip;
      memcpy(to, &quad, QUAD);
    }
    for (int32_t i = 0; d + i < depth; i++) to[i] = from[d + i] ^ s->flip;
  }
}

static ER_ALWAYS_INLINE __m256i load_line(const side *s, int32_t columns, int32_t d, int32_t depth,
                                          int32_t first, __mmask32 mask) {
  if (d >= depth) return _mm256_setzero_si256();
  const __m256i x = _mm256_maskz_loadu_epi8(mask, s->values + (int64_t)d * columns + first);
  return _mm256_xor_si256(x, _mm256_maskz_set1_epi8(mask, (char)s->flip));
}

/* The same from a matrix [depth, columns]. */
static void pack_lines(const side *s, int32_t columns, int32_t depth, int32_t first, int32_t count,
                       uint8_t *panel) {
  const __mmask32 mask = count < COLUMNS ? (1u << count) - 1 : 0xFFFFFFFF;
  __m256i *to = (__m256i *)(void *)panel;
  for (int32_t d = 0; d < depth; d += QUAD, to += QUAD) {
    const __m256i x0 = load_line(s, columns, d, depth, first, mask);
    const __m256i x1 = load_line(s, columns, d + 1, depth, first, mask);
    const __m256i x2 = load_line(s, columns, d + 2, depth, first, mask);
    const __m256i x3 = load_line(s, columns, d + 3, depth, first, mask);
    const __m256i low01 = _mm256_unpacklo_epi8(x0, x1), high01 = _mm256_unpackhi_epi8(x0, x1);
    const __m256i low23 = _mm256_unpacklo_epi8(x2, x3), high23 = _mm256_unpackhi_epi8(x2, x3);
    const __m256i q0 = _mm256_unpacklo_epi16(low01, low23);
    const __m256i q1 = _mm256_unpackhi_epi16(low01, low23);
    const __m256i q2 = _mm256_unpacklo_epi16(high01, high23);
    const __m256i q3 = _mm256_unpackhi_epi16(high01, high23);
    _mm256_storeu_si256(to, _mm256_permute2x128_si256(q0, q1, 0x20));
    _mm256_storeu_si256(to + 1, _mm256_permute2x128_si256(q2, q3, 0x20));
    _mm256_storeu_si256(to + 2, _mm256_permute2x128_si256(q0, q1, 0x31));
    _mm256_storeu_si256(to + 3, _mm256_permute2x128_si256(q2, q3, 0x31));
  }
}

/* ---- a tile ---------------------------------------------------------------------------------- */

typedef struct tile {
  const uint8_t *rows; /* [ROWS][pitch] */
  int32_t pitch;
  const int32_t *starts; /* [ROWS] */
  const uint8_t *panel;  /* [pitch / 4][COLUMNS][4] */
  __m512i start0, start1;
  finish finish;
  uint8_t *output;
  int32_t stride, columns; /* columns to store */
} tile;

static ER_ALWAYS_INLINE __m512i spread_quad(const uint8_t *from) {
  int32_t quad;
  memcpy(&quad, from, sizeof quad);
  return _mm512_set1_epi32(quad);
}

#define EACH_ROW(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7)
#define DECLARE(r)                                                         \
  const __m512i start##r = _mm512_set1_epi32(t->starts[rows > r ? r : 0]); \
  __m512i s##r##0 = _mm512_add_epi32(t->start0, start##r);                 \
  __m512i s##r##1 = _mm512_add_epi32(t->start1, start##r);
#define MADD(r)                                                 \
  if (rows > r) {                                               \
    const __m512i x = spread_quad(row + r * (int64_t)t->pitch); \
    s##r##0 = _mm512_dpbusd_epi32(s##r##0, x, w0);              \
    s##r##1 = _mm512_dpbusd_epi32(s##r##1, x, w1);              \
  }
#define STORE(r)                                                                        \
  if (rows > r) {                                                                       \
    uint8_t *to = t->output + r * (int64_t)t->stride;                                   \
    store(&t->finish, s##r##0, t->columns, to);                                         \
    if (t->columns > LANES) store(&t->finish, s##r##1, t->columns - LANES, to + LANES); \
  }

/* rows is a constant, so that all sums are registers. */
static ER_ALWAYS_INLINE void multiply(const tile *t, const int rows) {
  EACH_ROW(DECLARE)
  const uint8_t *row = t->rows, *w = t->panel;
  for (int32_t d = 0; d < t->pitch; d += QUAD, row += QUAD, w += QUAD * COLUMNS) {
    const __m512i w0 = _mm512_loadu_si512(w), w1 = _mm512_loadu_si512(w + QUAD * LANES);
    EACH_ROW(MADD)
  }
  EACH_ROW(STORE)
}

#define KERNEL(r) \
  static void multiply_##r(const tile *t) { multiply(t, (r) + 1); }
EACH_ROW(KERNEL)

#define NAME(r) multiply_##r,
static void (*const kernels[ROWS])(const tile *t) = {EACH_ROW(NAME)};

/* What belongs to each column: -a_zero times the sum of it. */
static void start_columns(int32_t a_zero, tile *t) {
  const __m512i ones = _mm512_set1_epi8(1), factor = _mm512_set1_epi32(-a_zero);
  __m512i sum0 = _mm512_setzero_si512(), sum1 = sum0;
  const uint8_t *w = t->panel;
  for (int32_t d = 0; d < t->pitch; d += QUAD, w += QUAD * COLUMNS) {
    sum0 = _mm512_dpbusd_epi32(sum0, ones, _mm512_loadu_si512(w));
    sum1 = _mm512_dpbusd_epi32(sum1, ones, _mm512_loadu_si512(w + QUAD * LANES));
  }
  t->start0 = _mm512_mullo_epi32(sum0, factor);
  t->start1 = _mm512_mullo_epi32(sum1, factor);
}

/* ---- the product ----------------------------------------------------------------------------- */

void er_batch_matmul_avx512(const er_matmul_shape *s, const er_matmul_rule *rule, const void *a,
                            const void *b, void *output, int32_t product, int16_t *scratch) {
  if (rule->type == EDGERT_INT16 || rule->scale.exponent > 0) {
    er_batch_matmul(s, rule, a, b, output, product, scratch);
    return;
  }
  const bool is_unsigned = rule->type == EDGERT_UINT8;
  const int32_t a_zero = rule->a_zero + (is_unsigned ? 0 : 128);
  const int32_t b_zero = rule->b_zero - (is_unsigned ? 128 : 0);
  const side left = {(const uint8_t *)a + (int64_t)s->a_index[product] * s->rows * s->depth,
                     s->a_transposed, is_unsigned ? 0 : 0x80};
  const side right = {(const uint8_t *)b + (int64_t)s->b_index[product] * s->depth * s->columns,
                      s->b_transposed, is_unsigned ? 0x80 : 0};
  tile t = {.pitch = (s->depth + QUAD - 1) / QUAD * QUAD,
            .finish = make_finish(rule),
            .stride = s->columns};
  uint8_t *panel = (uint8_t *)scratch, *rows = panel + (int64_t)COLUMNS * t.pitch;
  int32_t *starts = (int32_t *)(void *)(rows + (int64_t)s->rows * t.pitch);
  t.panel = panel;
  lift_rows(&left, s->rows, s->depth, t.pitch, a_zero, b_zero, rows, starts);
  for (int32_t first = 0; first < s->columns; first += COLUMNS) {
    t.columns = s->columns - first < COLUMNS ? s->columns - first : COLUMNS;
    if (s->b_transposed) {
      memset(panel, 0, (size_t)COLUMNS * (size_t)t.pitch);
      pack_turned(&right, s->depth, first, t.columns, panel);
    } else {
      pack_lines(&right, s->columns, s->depth, first, t.columns, panel);
    }
    start_columns(a_zero, &t);
    for (int32_t r = 0; r < s->rows; r += ROWS) {
      t.rows = rows + (int64_t)r * t.pitch;
      t.starts = starts + r;
      t.output = (uint8_t *)output + ((int64_t)product * s->rows + r) * s->columns + first;
      kernels[(s->rows - r < ROWS ? s->rows - r : ROWS) - 1](&t);
    }
  }
}
