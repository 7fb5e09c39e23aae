/* Packing: the weights of each panel in the order in which they are multiplied. */
#include <math.h>

#include "gemm_s8_quads.h"

size_t er_s8_packed_bytes(int32_t units, int32_t depth) {
  return ((size_t)units + UNITS - 1) / UNITS * er_s8_panel_bytes(depth);
}

/* ---- storing --------------------------------------------------------------------------------- */

static ER_ALWAYS_INLINE __m256i sums_of(__m256i weights) {
  const __m256i pairs = _mm256_maddubs_epi16(_mm256_set1_epi8(1), weights);
  return _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}

/* Where a chunk is stored. */
typedef struct target {
  er_s8_counts *counts;
  uint16_t *places;
  int8_t *weights;
  __m256i paired, exact; /* sums of the weights of each unit that are stored so far */
} target;

static void store_pairs(const er_quad *q, int32_t at, target *to) {
  const __m256i given = _mm256_loadu_si256((const __m256i *)(const void *)q->weights);
  const __m256i weights = _mm256_shuffle_epi8(given, er_quad_order(q->order));
  to->places[at] = (uint16_t)(q->place + q->order * ORDER_BYTES);
  to->paired = _mm256_add_epi32(to->paired, sums_of(weights));
  _mm256_storeu_si256((__m256i *)(void *)(to->weights + at * UNITS * QUAD), weights);
}

/* From [UNITS][4] to [2][UNITS][2]. */
static void store_exact(const er_quad *q, int32_t at, target *to) {
  int8_t *weights = to->weights + at * UNITS * QUAD;
  for (int32_t unit = 0; unit < UNITS; unit++, weights += 2) {
    memcpy(weights, q->weights[unit], 2);
    memcpy(weights + UNITS * 2, q->weights[unit] + 2, 2);
  }
  to->places[at] = (uint16_t)q->place;
  to->exact = _mm256_add_epi32(
      to->exact, sums_of(_mm256_loadu_si256((const __m256i *)(const void *)q->weights)));
}

/* Long chains come first, then the others, then what is exact.
 * @param[out] starts [chain_count] in quads  @param[out] ends of the chains of each length */
static void lay_out(const er_chunk *all, int32_t *starts, int32_t *ends) {
  int32_t chains[LONG_CHAIN + 1] = {0}, end = 0;
  for (int32_t c = 0; c < all->chain_count; c++) chains[all->lengths[c]]++;
  for (int32_t length = LONG_CHAIN; length > 0; length--) {
    ends[length] = end;
    end += chains[length] * length;
  }
  for (int32_t c = 0; c < all->chain_count; c++) {
    int32_t *at = &ends[all->lengths[c]];
    starts[c] = *at;
    *at += all->lengths[c];
  }
}

static void store(const er_chunk *all, target *to) {
  int32_t starts[ER_MOST_QUADS], ends[LONG_CHAIN + 1], rest = all->chained, highest = -1;
  lay_out(all, starts, ends);
  for (int32_t n = 0; n < all->count; n++) {
    const er_quad *q = &all->quads[n];
    if (q->order == ER_EXACT) {
      store_exact(q, rest++, to);
    } else {
      store_pairs(q, starts[q->chain] + q->link, to);
      highest = highest < q->order ? q->order : highest;
    }
  }
  to->counts->orders = highest > 0 ? ORDERS : (uint16_t)(highest + 1);
  to->counts->longs = (uint16_t)ends[LONG_CHAIN];
  to->counts->fours = (uint16_t)ends[4];
  to->counts->threes = (uint16_t)ends[3];
  to->counts->twos = (uint16_t)ends[2];
  to->counts->ones = (uint16_t)ends[1];
  to->counts->exact = (uint16_t)all->count;
}

/* ---- panels ---------------------------------------------------------------------------------- */

/* Whether a panel's own order is better than the usual ones: it costs a shuffle.
 * @param usual quads of the whole depth */
static bool orders_itself(const er_source *s, const er_chunk *usual, uint8_t *order,
                          er_chunk *own) {
  const int32_t cost = er_s8_chunk_cost(usual) - usual->count / 2;
  if (s->depth > MOST_OWN || s->orders == 0 || cost <= 6 * usual->count) return false;
  if (!er_s8_take_ordered(s, order, own)) return false;
  er_s8_chunk_chain(own);
  return er_s8_chunk_cost(own) < cost;
}

static int32_t chunk_end(const er_source *s, int32_t d) {
  return s->depth - d < CHUNK ? er_s8_padded(s->depth) : d + CHUNK;
}

/* Depth [d, end). */
static void pack_chunk(const er_source *s, int32_t d, int32_t end, er_s8_panel *panel, target *to) {
  er_chunk usual, own;
  to->counts = er_s8_counts_of(panel) + d / CHUNK;
  to->places = er_s8_places(panel, s->depth) + d / QUAD;
  to->weights = er_s8_weights(panel, s->depth) + (int64_t)d * UNITS;
  er_s8_take_quads(s, d, end, &usual);
  er_s8_chunk_chain(&usual);
  to->counts->own_order = orders_itself(s, &usual, er_s8_order(panel, s->depth), &own);
  store(to->counts->own_order ? &own : &usual, to);
}

/* @return whether all quads are safe in order 0 */
static bool is_safe(const er_source *s) {
  er_chunk all;
  for (int32_t d = 0; d < s->depth; d += CHUNK) {
    if (!er_s8_take_quads(s, d, chunk_end(s, d), &all)) return false;
  }
  return true;
}

/* The zero point is taken off the bias, and off what is multiplied as row + 128, that too.
 * |x * w| <= 128 * 128 bounds all sums. */
static void settle_bias(const er_weights_s8 *weights, const target *stored, er_s8_panel *to) {
  __m256i *bias = (__m256i *)(void *)to->bias;
  const __m256i sums = _mm256_add_epi32(stored->paired, stored->exact);
  const __m256i zeros = _mm256_mullo_epi32(sums, _mm256_set1_epi32(weights->input_zero_point));
  const __m256i less = _mm256_sub_epi32(_mm256_loadu_si256(bias), zeros);
  er_s8_counts *counts = er_s8_counts_of(to);
  _mm256_storeu_si256(bias, less);
  bool fits = true, reach = false;
  for (int32_t i = 0; i < UNITS; i++) {
    const float most = fabsf((float)to->bias[i]) + 16384.0f * (float)weights->depth;
    if (!(most * to->scale[i] < 2e9f)) fits = false;
    if (!(most < 0x1p23f)) reach = true;
  }
  for (int32_t d = 0; d < weights->depth; d += CHUNK, counts++) {
    counts->fits = fits;
    counts->reach = reach;
  }
  _mm256_storeu_si256(bias, _mm256_sub_epi32(less, _mm256_slli_epi32(stored->paired, 7)));
}

static void pack_panel(const er_weights_s8 *weights, int32_t first, er_s8_panel *to) {
  const int32_t left = weights->units - first, depth = weights->depth;
  er_source s = {weights->values + (int64_t)first * depth, left < UNITS ? left : UNITS, depth,
                 ORDERS};
  target stored = {.paired = _mm256_setzero_si256(), .exact = _mm256_setzero_si256()};
  /* Shallow panels may have an order of their own. With one panel it does not pay to prepare the
   * rows in two ways: all quads are alike. */
  if (weights->units <= UNITS || depth <= MOST_OWN) s.orders = 1;
  if (weights->units <= UNITS && !is_safe(&s)) s.orders = 0;
  memcpy(to->bias, weights->bias + first, (size_t)s.count * sizeof *to->bias);
  memcpy(to->scale, weights->scale + first, (size_t)s.count * sizeof *to->scale);
  for (int32_t d = 0; d < depth; d += CHUNK) pack_chunk(&s, d, chunk_end(&s, d), to, &stored);
  settle_bias(weights, &stored, to);
}

void er_s8_pack(const er_weights_s8 *weights, void *packed) {
  char *to = packed;
  for (int32_t u = 0; u < weights->units; u += UNITS, to += er_s8_panel_bytes(weights->depth)) {
    pack_panel(weights, u, (er_s8_panel *)(void *)to);
  }
}
