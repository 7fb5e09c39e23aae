/* Packing: which quads are safe to multiply in pairs of bytes, which of them can be summed in int16
 * before they become int32, and the weights in that order. */
#include "gemm_s8_panel.h"

#include <math.h>

enum { LEVELS = 128, UNSAFE = -1, EXACT = -1 }; /* of quads */

size_t er_s8_packed_bytes(int32_t units, int32_t depth) {
  return ((size_t)units + UNITS - 1) / UNITS * er_s8_panel_bytes(depth);
}

/* The units of one panel. */
typedef struct source {
  const er_weights_s8 *weights;
  int32_t first, count; /* units that exist */
  int32_t orders;       /* to try; 0: all quads are exact */
  bool fits, reach;     /* no scaled sum leaves int32; some sum could reach 2^23 */
} source;

/* What the weights of each sign add up to in each pair of a quad: up [UNITS][2], then down, as
 * bytes. */
static __m256i loads_of(__m256i weights) {
  const __m256i zero = _mm256_setzero_si256(), ones = _mm256_set1_epi8(1);
  const __m256i up = _mm256_max_epi8(weights, zero);
  const __m256i down = _mm256_abs_epi8(_mm256_min_epi8(weights, zero)); /* unsigned: 128 fits */
  return _mm256_packus_epi16(_mm256_maddubs_epi16(up, ones), _mm256_maddubs_epi16(down, ones));
}

/* Whether no int16 sum of products leaves its range with `loads` added to it.
 * @param room what each sum can still take */
static ER_ALWAYS_INLINE bool has_room(__m256i room, __m256i loads) {
  const __m256i beyond = _mm256_subs_epu8(loads, room);
  return _mm256_testz_si256(beyond, beyond);
}

/* @return what all loads of a quad add up to, the same in each order, in steps of 0..LEVELS - 1 */
static int32_t level_of(__m256i loads) {
  const __m256i sums = _mm256_sad_epu8(loads, _mm256_setzero_si256());
  const __m128i half =
      _mm_add_epi64(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
  return (_mm_cvtsi128_si32(half) + _mm_extract_epi16(half, 4)) / (32 * 256 / LEVELS);
}

/* A quad of a chunk. */
typedef struct quad {
  int8_t weights[UNITS][QUAD];
  __m256i loads[ORDERS];
  int32_t level; /* of the loads; UNSAFE: none of the orders is safe */
  int32_t order; /* in which it is stored; EXACT: not in pairs of bytes */
  int32_t place; /* where the rows are read in order 0 */
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

static __m256i ordered(const quad *q, int32_t order) {
  const __m256i weights = _mm256_loadu_si256((const __m256i *)(const void *)q->weights);
  return _mm256_shuffle_epi8(weights, er_quad_order(order));
}

static void weigh(int32_t orders, quad *q) {
  const __m256i all_room = _mm256_set1_epi8((char)SAFE);
  q->order = EXACT;
  q->level = UNSAFE;
  for (int32_t order = 0; order < ORDERS; order++) {
    q->loads[order] = _mm256_set1_epi8(-1); /* fits nowhere */
    if (order >= orders) continue;
    q->loads[order] = loads_of(ordered(q, order));
    if (has_room(all_room, q->loads[order])) q->level = level_of(q->loads[order]);
  }
}

/* ---- chains ---------------------------------------------------------------------------------- */

/* Quads whose pairs are summed in int16 before they become int32. */
typedef struct chain {
  int32_t length, quads[LONG_CHAIN];
} chain;

enum { MOST_QUADS = CHUNK / QUAD, MOST_ASKED = 20 };

/* The quads of one chunk by the way they are multiplied. */
typedef struct sorted {
  int32_t count, chain_count;
  quad quads[MOST_QUADS + MOST_SPLIT];
  chain chains[MOST_QUADS + MOST_SPLIT];
  __m256i rooms[MOST_QUADS + MOST_SPLIT]; /* of the chains, as loads */
} sorted;

/* Safe quads, the heaviest first.
 * @param[out] numbers of the quads
 * @return how many there are */
static int32_t sort_safe(const sorted *all, int32_t *numbers) {
  int32_t ends[LEVELS] = {0}, count = 0;
  for (int32_t n = 0; n < all->count; n++) {
    if (all->quads[n].level != UNSAFE) ends[all->quads[n].level]++;
  }
  for (int32_t level = LEVELS - 1; level >= 0; level--) count = ends[level] += count;
  for (int32_t n = all->count - 1; n >= 0; n--) {
    if (all->quads[n].level != UNSAFE) numbers[--ends[all->quads[n].level]] = n;
  }
  return count;
}

/* Quads become lighter, so room is mostly in new chains; to ask them all makes loading slower.
 * @return the first of the newest chains with room for a quad, or the number of chains */
static int32_t find_chain(const sorted *all, const quad *q) {
  const __m256i load0 = q->loads[0], load1 = q->loads[1], load2 = q->loads[2];
  int32_t c = all->chain_count > MOST_ASKED ? all->chain_count - MOST_ASKED : 0;
  for (; c < all->chain_count; c++) {
    const __m256i room = all->rooms[c];
    if (!has_room(room, load0) && !has_room(room, load1) && !has_room(room, load2)) continue;
    if (all->chains[c].length < MOST_CHAIN) break;
  }
  return c;
}

static void enchain(sorted *all, int32_t number, int32_t which) {
  quad *q = &all->quads[number];
  chain *to = &all->chains[which];
  for (q->order = 0; !has_room(all->rooms[which], q->loads[q->order]);) q->order++;
  all->rooms[which] = _mm256_sub_epi8(all->rooms[which], q->loads[q->order]);
  to->quads[to->length++] = number;
}

/* Weights of 4 bits: any quads fit together. Long chains lie one behind the other in the depth.
 * @return false when weights are larger */
static bool chain_in_order(sorted *all) {
  const __m256i room = _mm256_set1_epi8(SAFE / LONG_CHAIN);
  for (int32_t n = 0; n < all->count; n++) {
    if (!has_room(room, all->quads[n].loads[0])) return false;
  }
  for (int32_t n = 0; n < all->count;) {
    chain *to = &all->chains[all->chain_count++];
    const int32_t left = all->count - n, most = left < LONG_CHAIN ? MOST_CHAIN : LONG_CHAIN;
    for (to->length = 0; to->length < most && n < all->count; n++) {
      all->quads[n].order = 0;
      to->quads[to->length++] = n;
    }
  }
  return true;
}

/* Few chains of many quads: bins packed by "first fit decreasing". */
static void make_chains(sorted *all) {
  int32_t numbers[MOST_QUADS + MOST_SPLIT];
  all->chain_count = 0;
  if (chain_in_order(all)) return;
  const int32_t count = sort_safe(all, numbers);
  for (int32_t i = 0; i < count; i++) {
    const int32_t c = find_chain(all, &all->quads[numbers[i]]);
    if (c == all->chain_count) {
      all->rooms[c] = _mm256_set1_epi8((char)SAFE);
      all->chains[c].length = 0;
      all->chain_count++;
    }
    enchain(all, numbers[i], c);
  }
}

/* ---- storing --------------------------------------------------------------------------------- */

static void subtract_lift(__m256i weights, er_s8_panel *to) {
  __m256i *bias = (__m256i *)(void *)to->bias;
  const __m256i pairs = _mm256_maddubs_epi16(_mm256_set1_epi8(1), weights);
  const __m256i lifts = _mm256_slli_epi32(_mm256_madd_epi16(pairs, _mm256_set1_epi16(1)), 7);
  _mm256_storeu_si256(bias, _mm256_sub_epi32(_mm256_loadu_si256(bias), lifts));
}

/* From [UNITS][4] to [2][UNITS][2]. */
static void store_exact(const quad *q, int8_t *to) {
  for (int32_t unit = 0; unit < UNITS; unit++) {
    memcpy(to + unit * 2, q->weights[unit], 2);
    memcpy(to + (UNITS + unit) * 2, q->weights[unit] + 2, 2);
  }
}

/* Where a chunk is stored. */
typedef struct target {
  er_s8_panel *panel;
  er_s8_counts *counts;
  uint16_t *place;
  int8_t *weights;
} target;

static void store_quad(const sorted *all, int32_t number, target *to) {
  const quad *q = &all->quads[number];
  *to->place = (uint16_t)q->place;
  if (q->order == EXACT) {
    store_exact(q, to->weights);
  } else {
    const __m256i weights = ordered(q, q->order);
    _mm256_storeu_si256((__m256i *)(void *)to->weights, weights);
    subtract_lift(weights, to->panel);
    *to->place = (uint16_t)(*to->place + q->order * ORDER_BYTES);
    const uint16_t orders = q->order == 0 ? 1 : ORDERS;
    if (orders > to->counts->orders) to->counts->orders = orders;
  }
  to->place++;
  to->weights += UNITS * QUAD;
}

/* @return how many there are */
static uint16_t store_chains(const sorted *all, int32_t length, target *to) {
  uint16_t count = 0;
  for (const chain *c = all->chains; c < all->chains + all->chain_count; c++) {
    if (c->length != length) continue;
    for (int32_t i = 0; i < length; i++) store_quad(all, c->quads[i], to);
    count++;
  }
  return count;
}

static uint16_t store_rest(const sorted *all, target *to) {
  uint16_t count = 0;
  for (int32_t n = 0; n < all->count; n++) {
    if (all->quads[n].order != EXACT) continue;
    store_quad(all, n, to);
    count++;
  }
  return count;
}

/* Quads of depth [d, end). */
static void take_quads(const source *s, int32_t d, int32_t end, sorted *all) {
  all->count = (end - d) / QUAD;
  for (int32_t n = 0; n < all->count; n++) {
    gather(s, d + n * QUAD, &all->quads[n]);
    weigh(s->orders, &all->quads[n]);
    all->quads[n].place = n * QUAD;
  }
  make_chains(all);
}

/* What is too much in the pairs of a quad becomes another quad. */
static void split(quad *q, quad *excess) {
  *excess = *q;
  memset(excess->weights, 0, sizeof excess->weights);
  for (int32_t unit = 0; unit < UNITS; unit++) {
    for (int32_t i = 0; i < QUAD; i += 2) {
      int8_t *pair = q->weights[unit] + i;
      const int32_t sum = pair[0] + pair[1], safe = sum > 0 ? SAFE : -SAFE;
      if (sum / SAFE == 0) continue;
      excess->weights[unit][i] = (int8_t)(sum - safe);
      pair[0] = (int8_t)(pair[0] - (sum - safe));
    }
  }
  weigh(1, q);
  weigh(1, excess);
}

/* All quads of the depth in the panel's own order.
 * @return false when too many of them are not safe */
static bool take_ordered(const source *s, uint8_t *order, sorted *all) {
  const int32_t depth = s->weights->depth, count = er_s8_padded(depth) / QUAD;
  const int8_t *values = s->weights->values + (int64_t)s->first * depth;
  int8_t rows[UNITS][BLOCK];
  if (er_s8_find_order(values, s->count, depth, order) > MOST_SPLIT) return false;
  all->count = count;
  for (int32_t n = 0; n < count; n++) {
    quad *q = &all->quads[n];
    if (n * QUAD % BLOCK == 0) {
      er_s8_take_block(values, s->count, depth, order, n * QUAD, rows);
    }
    for (int32_t unit = 0; unit < UNITS; unit++) {
      memcpy(q->weights[unit], rows[unit] + n * QUAD % BLOCK, QUAD);
    }
    q->place = ORDERS * ORDER_BYTES + n * QUAD;
    weigh(1, q);
    if (q->level == UNSAFE) split(q, &all->quads[all->count++]);
  }
  make_chains(all);
  return true;
}

/* @return half the vector instructions for a row, about */
static int32_t cost_of(const sorted *all) {
  int32_t exact = all->count, cost = 0;
  for (int32_t c = 0; c < all->chain_count; c++) {
    cost += 4 * all->chains[c].length + 2;
    exact -= all->chains[c].length;
  }
  return cost + 11 * exact;
}

/* Whether a panel's own order is better than the usual ones: it costs a shuffle.
 * @param usual quads of the whole depth */
static bool orders_itself(const source *s, const sorted *usual, uint8_t *order, sorted *own) {
  const int32_t depth = s->weights->depth, cost = cost_of(usual) - usual->count / 2;
  if (depth > MOST_OWN || s->orders < ORDERS || cost <= 6 * usual->count) return false;
  return take_ordered(s, order, own) && cost_of(own) < cost;
}

static void store(const sorted *all, er_s8_counts *counts, target *to) {
  counts->longs = store_chains(all, LONG_CHAIN, to);
  counts->fours = store_chains(all, 4, to);
  counts->threes = store_chains(all, 3, to);
  counts->twos = store_chains(all, 2, to);
  counts->ones = store_chains(all, 1, to);
  counts->exact = store_rest(all, to);
}

/* Depth [d, end). */
static void pack_chunk(const source *s, int32_t d, int32_t end, er_s8_panel *panel) {
  const int32_t depth = s->weights->depth;
  er_s8_counts *counts = er_s8_counts_of(panel) + d / CHUNK;
  target to = {panel, counts, er_s8_places(panel, depth) + d / QUAD,
               er_s8_weights(panel, depth) + (int64_t)d * UNITS};
  sorted usual, own;
  take_quads(s, d, end, &usual);
  counts->own_order = orders_itself(s, &usual, er_s8_order(panel, depth), &own);
  counts->fits = s->fits;
  counts->reach = s->reach;
  store(counts->own_order ? &own : &usual, counts, &to);
}

static bool all_safe(const source *s) {
  for (int32_t d = 0; d < s->weights->depth; d += QUAD) {
    quad q;
    gather(s, d, &q);
    weigh(1, &q);
    if (q.level == UNSAFE) return false;
  }
  return true;
}

/* With one panel it does not pay to prepare the rows in two ways: all quads are alike. */
static int32_t choose_orders(const source *s) {
  return s->weights->units > UNITS ? ORDERS : all_safe(s);
}

/* |x * w| <= 128 * 128 */
static void bound_sums(const er_s8_panel *panel, source *s) {
  for (int32_t i = 0; i < UNITS; i++) {
    const float most = fabsf((float)panel->bias[i]) + 16384.0f * (float)s->weights->depth;
    if (!(most * panel->scale[i] < 2e9f)) s->fits = false;
    if (!(most < 0x1p23f)) s->reach = true;
  }
}

static void pack_panel(const er_weights_s8 *weights, int32_t first, er_s8_panel *to) {
  const int32_t left = weights->units - first, depth = er_s8_padded(weights->depth);
  source s = {weights, first, left < UNITS ? left : UNITS, 0, true, false};
  s.orders = choose_orders(&s);
  for (int32_t i = 0; i < s.count; i++) {
    const int32_t unit = first + i;
    to->bias[i] = er_bias_less_zero_point(weights, unit, (int64_t)unit * weights->depth, 1);
    to->scale[i] = weights->scale[unit];
  }
  bound_sums(to, &s);
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
