/* An order of the depth in which a panel's weights are safe in pairs: a matching of the depths of
 * each 16 bytes of a row, within which one shuffle brings them into any order. Depths are taken
 * one by one, those with the fewest possible partners first (the greedy rule of Karp and Sipser,
 * Maximum matchings in sparse random graphs, 1981); who is left alone asks pairs for an exchange.
 */
#include "gemm_s8_panel.h"

/* Depths of one block and who may be paired with whom, a bit for each. */
typedef struct block {
  int32_t count, pair_count;
  uint16_t partners[BLOCK];
  uint8_t pairs[BLOCK / 2][2];
} block;

/* In each lane of `loads` and `rooms`: depths; the lanes are positive and negative weights. */
static void find_partners(const __m128i *rows, block *b) {
  __m256i loads[UNITS], rooms[UNITS];
  for (int32_t unit = 0; unit < UNITS; unit++) {
    const __m128i row = rows[unit], zero = _mm_setzero_si128();
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
    b->partners[i] = (uint16_t)(both & both >> BLOCK & ((1u << b->count) - 1) & ~(1u << i));
  }
}

/* @return the numbers of ones in 16 times 16 bits */
static ER_ALWAYS_INLINE __m256i count_ones(__m256i bits) {
  const __m256i ones =
      _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
  const __m256i low = _mm256_set1_epi8(15), upper = _mm256_srli_epi16(bits, 4);
  const __m256i counts = _mm256_add_epi8(_mm256_shuffle_epi8(ones, _mm256_and_si256(bits, low)),
                                         _mm256_shuffle_epi8(ones, _mm256_and_si256(upper, low)));
  return _mm256_maddubs_epi16(counts, _mm256_set1_epi8(1));
}

/* @return the member of `among` with the fewest partners in `free`, or -1 */
static int32_t scarcest(const block *b, uint32_t among, uint32_t free) {
  const __m256i places = _mm256_setr_epi16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const __m256i bits = _mm256_setr_epi16(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096,
                                         8192, 16384, -32768);
  const __m256i partners = _mm256_loadu_si256((const __m256i *)(const void *)b->partners);
  const __m256i counts = count_ones(_mm256_and_si256(partners, _mm256_set1_epi16((int16_t)free)));
  const __m256i in = _mm256_and_si256(_mm256_set1_epi16((int16_t)among), bits);
  const __m256i out = _mm256_cmpeq_epi16(in, _mm256_setzero_si256());
  const __m256i keys = _mm256_or_si256(_mm256_add_epi16(_mm256_slli_epi16(counts, 4), places), out);
  const __m128i least = _mm_minpos_epu16(
      _mm_min_epu16(_mm256_castsi256_si128(keys), _mm256_extracti128_si256(keys, 1)));
  return among ? _mm_cvtsi128_si32(least) & (BLOCK - 1) : -1;
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
                       __m128i *rows) {
  const int32_t left = depth - d;
  for (int32_t unit = 0; unit < UNITS; unit++, values += depth) {
    rows[unit] = _mm_setzero_si128();
    if (unit >= units) continue;
    if (left >= BLOCK) {
      rows[unit] = _mm_loadu_si128((const __m128i *)(const void *)(values + d));
    } else {
      memcpy(&rows[unit], values + d, (size_t)left);
    }
  }
}

int32_t er_s8_find_order(const int8_t *values, int32_t units, int32_t depth, uint8_t *order) {
  const int32_t padded = er_s8_padded(depth);
  int32_t unsafe = 0;
  for (int32_t d = 0; d < padded; d += BLOCK) {
    __m128i rows[UNITS];
    block b = {.count = padded - d < BLOCK ? padded - d : BLOCK};
    load_block(values, units, depth, d, rows);
    find_partners(rows, &b);
    unsafe += (pair_rest(&b, match(&b)) + 1) / 2;
    memcpy(order + d, b.pairs, (size_t)b.count);
  }
  return unsafe;
}

void er_s8_take_block(const int8_t *values, int32_t units, int32_t depth, const uint8_t *order,
                      int32_t d, __m128i *rows) {
  const __m128i places = _mm_loadu_si128((const __m128i *)(const void *)(order + d));
  load_block(values, units, depth, d, rows);
  for (int32_t unit = 0; unit < UNITS; unit++) rows[unit] = _mm_shuffle_epi8(rows[unit], places);
}
