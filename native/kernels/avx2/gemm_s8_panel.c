/* Packing: which quads are safe to multiply in pairs of bytes, which of them can be summed in int16
 * before they become int32, and the weights in that order. */
#include "gemm_s8_panel.h"

#include <math.h>

/* 255 * 128 <= 32767 and -255 * 128 >= -32768: what the weights of one sign may add up to in a sum
 * of products that is kept in int16. */
enum { SAFE = 128 };

size_t er_s8_packed_bytes(int32_t units, int32_t depth) {
  return ((size_t)units + UNITS - 1) / UNITS * er_s8_panel_bytes(depth);
}

/* The units of one panel. */
typedef struct source {
  const er_weights_s8 *weights;
  int32_t first, count; /* units that exist */
  int32_t orders;       /* to try; 0: all quads are exact */
  bool fits;            /* no scaled sum leaves int32 */
} source;

/* A quad of a chunk, brought into the order in which it is stored. */
typedef struct quad {
  int8_t weights[UNITS][QUAD];
  uint16_t place;
} quad;

/* @param[out] to the weights of depth d.., zeros where there are none */
static void gather(const source *s, int32_t d, quad *to) {
  const int32_t depth = s->weights->depth, left = depth - d < QUAD ? depth - d : QUAD;
  memset(to->weights, 0, sizeof to->weights);
  for (int32_t unit = 0; unit < s->count; unit++) {
    const int8_t *from = s->weights->values + (int64_t)(s->first + unit) * depth + d;
    if (left == QUAD) {
      memcpy(to->weights[unit], from, QUAD);
    } else {
      memcpy(to->weights[unit], from, (size_t)left);
    }
  }
}

/* What the weights of each sign add up to in each pair of a quad, or of a chain of quads. */
typedef struct pair_sums {
  __m256i up, down; /* int16 [UNITS][2] */
} pair_sums;

static pair_sums sums_of(__m256i weights) {
  const __m256i zero = _mm256_setzero_si256(), ones = _mm256_set1_epi8(1);
  const __m256i up = _mm256_max_epi8(weights, zero);
  const __m256i down = _mm256_abs_epi8(_mm256_min_epi8(weights, zero)); /* unsigned: 128 fits */
  return (pair_sums){_mm256_maddubs_epi16(up, ones), _mm256_maddubs_epi16(down, ones)};
}

static pair_sums add_sums(const pair_sums *a, const pair_sums *b) {
  return (pair_sums){_mm256_add_epi16(a->up, b->up), _mm256_add_epi16(a->down, b->down)};
}

/* Whether no int16 sum of products can leave its range. */
static bool are_safe(const pair_sums *sums) {
  const __m256i most = _mm256_max_epi16(sums->up, sums->down);
  return _mm256_movemask_epi8(_mm256_cmpgt_epi16(most, _mm256_set1_epi16(SAFE))) == 0;
}

/* Find the first order in which all pairs are safe, and bring the quad into it.
 * @return false: there is none */
static bool find_order(int32_t orders, quad *q, pair_sums *sums) {
  __m256i *stored = (__m256i *)(void *)q->weights;
  const __m256i weights = _mm256_loadu_si256(stored);
  for (int32_t order = 0; order < orders; order++) {
    const __m256i ordered = _mm256_shuffle_epi8(weights, er_quad_order(order));
    *sums = sums_of(ordered);
    if (!are_safe(sums)) continue;
    _mm256_storeu_si256(stored, ordered);
    q->place = (uint16_t)(q->place + order * ORDER_BYTES);
    return true;
  }
  return false;
}

static void subtract_lift(const quad *q, er_s8_panel *to) {
  __m256i *bias = (__m256i *)(void *)to->bias;
  const __m256i weights = _mm256_loadu_si256((const __m256i *)(const void *)q->weights);
  const __m256i pairs = _mm256_maddubs_epi16(_mm256_set1_epi8(1), weights);
  const __m256i lifts = _mm256_slli_epi32(_mm256_madd_epi16(pairs, _mm256_set1_epi16(1)), 7);
  _mm256_storeu_si256(bias, _mm256_sub_epi32(_mm256_loadu_si256(bias), lifts));
}

/* ---- chains ---------------------------------------------------------------------------------- */

/* Quads whose pairs are summed in int16 before they become int32. */
typedef struct chain {
  pair_sums sums;
  int32_t length, quads[MOST_CHAIN];
} chain;

enum { OPEN_CHAINS = 8 };

/* The quads of one chunk by the way they are multiplied. */
typedef struct sorted {
  quad quads[CHUNK / QUAD];
  int32_t chains[MOST_CHAIN + 1][CHUNK / QUAD]; /* by length; 0: exact */
  int32_t counts[MOST_CHAIN + 1];               /* quads */
  chain open[OPEN_CHAINS];
  int32_t open_count;
  bool reorders; /* some quad is not in order 0 */
} sorted;

static void put(sorted *to, int32_t length, const int32_t *quads) {
  const int32_t count = length > 0 ? length : 1;
  memcpy(to->chains[length] + to->counts[length], quads, (size_t)count * sizeof *quads);
  to->counts[length] += count;
}

/* A chain of three is one of two and one of one. */
static void close_chain(sorted *to, int32_t which) {
  const chain *c = &to->open[which];
  int32_t done = 0;
  for (int32_t length = MOST_CHAIN; length > 0; length /= 2) {
    for (; done + length <= c->length; done += length) put(to, length, c->quads + done);
  }
  to->open[which] = to->open[--to->open_count];
}

/* Put a safe quad in the first chain that stays safe with it. */
static void enchain(sorted *to, int32_t number, const pair_sums *sums) {
  for (int32_t i = 0; i < to->open_count; i++) {
    chain *c = &to->open[i];
    const pair_sums both = add_sums(&c->sums, sums);
    if (!are_safe(&both)) continue;
    c->sums = both;
    c->quads[c->length++] = number;
    if (c->length == MOST_CHAIN) close_chain(to, i);
    return;
  }
  if (to->open_count == OPEN_CHAINS) close_chain(to, 0);
  to->open[to->open_count++] = (chain){*sums, 1, {number}};
}

static void sort_chunk(const source *s, int32_t d, int32_t end, er_s8_panel *panel, sorted *to) {
  memset(to->counts, 0, sizeof to->counts);
  to->open_count = 0;
  to->reorders = false;
  for (int32_t n = 0; d + n * QUAD < end; n++) {
    quad *q = &to->quads[n];
    pair_sums sums;
    q->place = (uint16_t)(n * QUAD);
    gather(s, d + n * QUAD, q);
    if (find_order(s->orders, q, &sums)) {
      to->reorders |= q->place >= ORDER_BYTES;
      subtract_lift(q, panel);
      enchain(to, n, &sums);
    } else {
      put(to, 0, &n);
    }
  }
  while (to->open_count > 0) close_chain(to, to->open_count - 1);
}

/* ---- storing --------------------------------------------------------------------------------- */

/* From [UNITS][4] to [2][UNITS][2]. */
static void store_exact(const quad *q, int8_t *to) {
  for (int32_t unit = 0; unit < UNITS; unit++) {
    memcpy(to + unit * 2, q->weights[unit], 2);
    memcpy(to + (UNITS + unit) * 2, q->weights[unit] + 2, 2);
  }
}

static void store_quad(const quad *q, bool exact, int8_t *to) {
  if (exact) {
    store_exact(q, to);
  } else {
    memcpy(to, q->weights, sizeof q->weights);
  }
}

/* Depth [d, end). */
static void pack_chunk(const source *s, int32_t d, int32_t end, er_s8_panel *to) {
  static const int32_t lengths[] = {4, 2, 1, 0};
  const int32_t depth = s->weights->depth;
  uint16_t *place = er_s8_places(to, depth) + d / QUAD;
  int8_t *weights = er_s8_weights(to, depth) + (int64_t)d * UNITS;
  sorted all;
  sort_chunk(s, d, end, to, &all);
  for (int32_t i = 0; i < 4; i++) {
    const int32_t length = lengths[i];
    for (int32_t n = 0; n < all.counts[length]; n++, weights += UNITS * QUAD) {
      const quad *q = &all.quads[all.chains[length][n]];
      store_quad(q, length == 0, weights);
      *place++ = q->place;
    }
  }
  const bool lifts = all.counts[0] < (end - d) / QUAD;
  er_s8_counts_of(to)[d / CHUNK] = (er_s8_counts){.fours = (uint16_t)(all.counts[4] / 4),
                                                  .twos = (uint16_t)(all.counts[2] / 2),
                                                  .ones = (uint16_t)all.counts[1],
                                                  .exact = (uint16_t)all.counts[0],
                                                  .orders = all.reorders ? ORDERS : lifts,
                                                  .fits = s->fits};
}

static bool all_safe(const source *s) {
  for (int32_t d = 0; d < s->weights->depth; d += QUAD) {
    quad q;
    pair_sums sums;
    gather(s, d, &q);
    if (!find_order(1, &q, &sums)) return false;
  }
  return true;
}

/* With one panel it does not pay to prepare the rows in two ways: all quads are alike. */
static int32_t choose_orders(const source *s) {
  return s->weights->units > UNITS ? ORDERS : all_safe(s);
}

/* |x * w| <= 128 * 128 */
static bool fits(const er_s8_panel *panel, int32_t depth) {
  for (int32_t i = 0; i < UNITS; i++) {
    const float most = fabsf((float)panel->bias[i]) + 16384.0f * (float)depth;
    if (!(most * panel->scale[i] < 2e9f)) return false;
  }
  return true;
}

static void pack_panel(const er_weights_s8 *weights, int32_t first, er_s8_panel *to) {
  const int32_t left = weights->units - first, depth = er_s8_padded(weights->depth);
  source s = {weights, first, left < UNITS ? left : UNITS, 0, false};
  s.orders = choose_orders(&s);
  for (int32_t i = 0; i < s.count; i++) {
    const int32_t unit = first + i;
    to->bias[i] = er_bias_less_zero_point(weights, unit, (int64_t)unit * weights->depth, 1);
    to->scale[i] = weights->scale[unit];
  }
  s.fits = fits(to, weights->depth);
  for (int32_t d = 0; d < depth; d += CHUNK) {
    pack_chunk(&s, d, depth - d < CHUNK ? depth : d + CHUNK, to);
  }
}

void er_s8_pack(const er_weights_s8 *weights, void *packed) {
  char *to = packed;
  for (int32_t u = 0; u < weights->units; u += UNITS, to += er_s8_panel_bytes(weights->depth)) {
    pack_panel(weights, u, (er_s8_panel *)(void *)to);
  }
}
