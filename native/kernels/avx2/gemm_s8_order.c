/* An order of the depth in which a panel's weights are safe in pairs: a matching of the depths of
 * each 16 bytes of a row, within which one shuffle brings them into any order. Depths are taken
 * one by one, those with the fewest possible partners first (the greedy rule of Karp and Sipser,
 * Maximum matchings in sparse random graphs, 1981); who is left alone asks pairs for an exchange.
 */
#include "gemm_s8_panel.h"

/* Depths of one block and who may be paired with whom, a bit for each. */
typedef struct block {
  int32_t count, pair_count;
  uint32_t partners[BLOCK];
  uint8_t pairs[BLOCK / 2][2];
} block;

/* In each lane of `loads` and `rooms`: depths; the lanes are positive and negative weights. */
static void find_partners(const int8_t (*rows)[BLOCK], block *b) {
  __m256i loads[UNITS], rooms[UNITS];
  for (int32_t unit = 0; unit < UNITS; unit++) {
    const __m128i row = _mm_loadu_si128((const __m128i *)(const void *)rows[unit]);
    const __m128i zero = _mm_setzero_si128();
    const __m128i up = _mm_max_epi8(row, zero), down = _mm_abs_epi8(_mm_min_epi8(row, zero));
    loads[unit] = _mm256_set_m128i(down, up);
    rooms[unit] = _mm256_sub_epi8(_mm256_set1_epi8((char)SAFE), loads[unit]);
  }
  for (int32_t i = 0; i < b->count; i++) {
    __m256i beyond = _mm256_setzero_si256();
    for (int32_t unit = 0; unit < UNITS; unit++) {
      const __m256i load = _mm256_shuffle_epi8(loads[unit], _mm256_set1_epi8((char)i));
      beyond = _mm256_or_si256(beyond, _mm256_subs_epu8(load, rooms[unit]));
    }
    const __m256i fits = _mm256_cmpeq_epi8(beyond, _mm256_setzero_si256());
    const uint32_t both = (uint32_t)_mm256_movemask_epi8(fits);
    b->partners[i] = both & both >> BLOCK & ((1u << b->count) - 1) & ~(1u << i);
  }
}

/* @return the member of `among` with the fewest partners in `free`, or -1 */
static int32_t scarcest(const block *b, uint32_t among, uint32_t free) {
  int32_t best = -1, least = BLOCK;
  for (; among; among &= among - 1) {
    const int32_t i = __builtin_ctz(among);
    const int32_t partners = __builtin_popcount(b->partners[i] & free);
    if (partners >= least) continue;
    least = partners;
    best = i;
  }
  return best;
}

static void add_pair(block *b, int32_t i, int32_t j) {
  b->pairs[b->pair_count][0] = (uint8_t)i;
  b->pairs[b->pair_count][1] = (uint8_t)j;
  b->pair_count++;
}

/* @return who is left alone */
static uint32_t match(block *b) {
  uint32_t free = (1u << b->count) - 1, alone = 0;
  while (free) {
    const int32_t i = scarcest(b, free, free);
    const int32_t partner = scarcest(b, b->partners[i] & free, free);
    free &= ~(1u << i);
    if (partner < 0) {
      alone |= 1u << i;
    } else {
      free &= ~(1u << partner);
      add_pair(b, i, partner);
    }
  }
  return alone;
}

/* Of two that are left alone each takes one of a pair. @return whether there was such a pair */
static bool exchange(block *b, int32_t i, int32_t j) {
  for (int32_t p = 0; p < b->pair_count; p++) {
    uint8_t *pair = b->pairs[p];
    for (int32_t side = 0; side < 2; side++) {
      const int32_t ours = pair[side], theirs = pair[1 - side];
      if (!(b->partners[i] >> ours & 1) || !(b->partners[j] >> theirs & 1)) continue;
      pair[0] = (uint8_t)i;
      pair[1] = (uint8_t)ours;
      add_pair(b, j, theirs);
      return true;
    }
  }
  return false;
}

/* Who stays alone is paired with another, behind the others. @return how many pairs */
static int32_t pair_rest(block *b, uint32_t alone) {
  int32_t rest[BLOCK], kept = 0;
  while (alone) {
    const int32_t i = __builtin_ctz(alone), j = __builtin_ctz(alone & (alone - 1));
    alone &= ~(1u << i | 1u << j);
    if (exchange(b, i, j)) continue;
    rest[kept++] = i;
    rest[kept++] = j;
  }
  for (int32_t k = 0; k < kept; k += 2) add_pair(b, rest[k], rest[k + 1]);
  return kept / 2;
}

/* @param[out] rows [UNITS] of the depth from d on, zeros where there is none */
static void load_block(const int8_t *values, int32_t units, int32_t depth, int32_t d,
                       int8_t (*rows)[BLOCK]) {
  const int32_t left = depth - d;
  memset(rows, 0, UNITS * BLOCK);
  for (int32_t unit = 0; unit < units; unit++, values += depth) {
    memcpy(rows[unit], values + d, left < BLOCK ? (size_t)left : BLOCK);
  }
}

int32_t er_s8_find_order(const int8_t *values, int32_t units, int32_t depth, uint8_t *order) {
  const int32_t padded = er_s8_padded(depth);
  int32_t unsafe = 0;
  for (int32_t d = 0; d < padded; d += BLOCK) {
    int8_t rows[UNITS][BLOCK];
    block b = {.count = padded - d < BLOCK ? padded - d : BLOCK};
    load_block(values, units, depth, d, rows);
    find_partners((const int8_t(*)[BLOCK])rows, &b);
    unsafe += (pair_rest(&b, match(&b)) + 1) / 2;
    memcpy(order + d, b.pairs, (size_t)b.count);
  }
  return unsafe;
}

void er_s8_take_block(const int8_t *values, int32_t units, int32_t depth, const uint8_t *order,
                      int32_t d, __m128i *rows) {
  const __m128i places = _mm_loadu_si128((const __m128i *)(const void *)(order + d));
  int8_t block[UNITS][BLOCK];
  load_block(values, units, depth, d, block);
  for (int32_t unit = 0; unit < UNITS; unit++) {
    const __m128i row = _mm_loadu_si128((const __m128i *)(const void *)block[unit]);
    rows[unit] = _mm_shuffle_epi8(row, places);
  }
}
