/* Taking the weights of a panel in quads, and weighing these: which are safe to multiply in pairs
 * of bytes. */
#include "gemm_s8_quads.h"

enum { ROW = sizeof(__m256i), ROW_QUADS = ROW / QUAD };

/* @param up,down [UNITS][4] weights of each sign */
static ER_ALWAYS_INLINE __m256i loads_of(__m256i up, __m256i down) {
  const __m256i ones = _mm256_set1_epi8(1);
  return _mm256_packus_epi16(_mm256_maddubs_epi16(up, ones), _mm256_maddubs_epi16(down, ones));
}

/* Fill in one order more. @return whether the quad is safe in it */
static ER_ALWAYS_INLINE bool weigh_in(int32_t order, __m256i up, __m256i down, er_quad *q) {
  const __m256i places = er_quad_order(order);
  const __m256i loads =
      loads_of(_mm256_shuffle_epi8(up, places), _mm256_shuffle_epi8(down, places));
  q->loads[order] = loads;
  return er_has_room(_mm256_set1_epi8((char)SAFE), loads);
}

/* Find in which of the first `orders` orders a quad is safe. @return whether it is in any */
static ER_ALWAYS_INLINE bool weigh(er_quad *q, const int32_t orders) {
  const __m256i zero = _mm256_setzero_si256(), nowhere = _mm256_set1_epi8(-1);
  const __m256i weights = _mm256_loadu_si256((const __m256i *)(const void *)q->weights);
  const __m256i up = _mm256_max_epi8(weights, zero);
  const __m256i down = _mm256_abs_epi8(_mm256_min_epi8(weights, zero)); /* unsigned: 128 fits */
  uint32_t safe = 0;                                                    /* a bit for each order */
  q->loads[0] = q->loads[1] = q->loads[2] = nowhere;
  if (orders > 0) safe = weigh_in(0, up, down, q);
  for (int32_t order = 1; order < orders; order++) {
    safe |= (uint32_t)weigh_in(order, up, down, q) << order;
  }
  const int32_t sum = er_add_lanes(_mm256_sad_epu8(_mm256_abs_epi8(weights), zero));
  q->order = __builtin_ctz(safe | 1u << ER_EXACT);
  q->level = sum * 255 >> 12 | -(int32_t)(safe == 0); /* without a branch: -1 is all ones */
  return safe != 0;
}

/* @param[out] rows [UNITS] weights of depth d.., zeros where there are none */
static ER_ALWAYS_INLINE void load_rows(const er_source *s, int32_t d, __m256i *rows) {
  const int8_t *from = s->values + d;
  const int32_t left = s->depth - d;
  for (int32_t unit = 0; unit < UNITS; unit++, from += s->depth) {
    rows[unit] = _mm256_setzero_si256();
    if (unit >= s->count) continue;
    if (left >= ROW) {
      rows[unit] = _mm256_loadu_si256((const __m256i *)(const void *)from);
    } else {
      memcpy(&rows[unit], from, (size_t)left);
    }
  }
}

/* [UNITS][ROW_QUADS] quads to [ROW_QUADS][UNITS], in place. */
static ER_ALWAYS_INLINE void transpose(__m256i *rows) {
  __m256i pairs[UNITS], halves[UNITS];
  for (int32_t i = 0; i < UNITS; i += 2) {
    pairs[i] = _mm256_unpacklo_epi32(rows[i], rows[i + 1]);
    pairs[i + 1] = _mm256_unpackhi_epi32(rows[i], rows[i + 1]);
  }
  for (int32_t i = 0; i < UNITS; i += 4) {
    halves[i] = _mm256_unpacklo_epi64(pairs[i], pairs[i + 2]);
    halves[i + 1] = _mm256_unpackhi_epi64(pairs[i], pairs[i + 2]);
    halves[i + 2] = _mm256_unpacklo_epi64(pairs[i + 1], pairs[i + 3]);
    halves[i + 3] = _mm256_unpackhi_epi64(pairs[i + 1], pairs[i + 3]);
  }
  for (int32_t i = 0; i < UNITS / 2; i++) {
    rows[i] = _mm256_permute2x128_si256(halves[i], halves[i + 4], 0x20);
    rows[i + 4] = _mm256_permute2x128_si256(halves[i], halves[i + 4], 0x31);
  }
}

/* Add the first `count` quads of some rows. @return whether all are safe */
static ER_ALWAYS_INLINE bool add_quads(__m256i *rows, int32_t count, int32_t place,
                                       const int32_t orders, er_chunk *all) {
  bool safe = true;
  transpose(rows);
  for (int32_t i = 0; i < count; i++, place += QUAD) {
    er_quad *q = &all->quads[all->count++];
    _mm256_storeu_si256((__m256i *)(void *)q->weights, rows[i]);
    q->place = place;
    safe &= weigh(q, orders);
  }
  return safe;
}

static int32_t least(int32_t a, int32_t b) { return a < b ? a : b; }

bool er_s8_take_quads(const er_source *s, int32_t d, int32_t end, er_chunk *all) {
  bool safe = true;
  all->count = 0;
  for (int32_t at = d; at < end; at += ROW) {
    __m256i rows[UNITS];
    load_rows(s, at, rows);
    safe &= add_quads(rows, least(end - at, ROW) / QUAD, at - d, s->orders, all);
  }
  return safe;
}

/* What is too much in the pairs of a quad becomes another quad. */
static void split(er_quad *q, er_quad *excess) {
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
  weigh(q, 1);
  weigh(excess, 1);
}

bool er_s8_take_ordered(const er_source *s, uint8_t *order, er_chunk *all) {
  const int32_t depth = er_s8_padded(s->depth);
  if (er_s8_find_order(s->values, s->count, s->depth, order) > MOST_SPLIT) return false;
  all->count = 0;
  for (int32_t d = 0; d < depth; d += BLOCK) {
    __m128i block[UNITS];
    __m256i rows[UNITS];
    er_s8_take_block(s->values, s->count, s->depth, order, d, block);
    for (int32_t unit = 0; unit < UNITS; unit++) rows[unit] = _mm256_castsi128_si256(block[unit]);
    add_quads(rows, least(depth - d, BLOCK) / QUAD, ORDERS * ORDER_BYTES + d, 1, all);
  }
  for (int32_t n = 0, count = all->count; n < count; n++) {
    if (all->quads[n].level == ER_UNSAFE) split(&all->quads[n], &all->quads[all->count++]);
  }
  return true;
}
