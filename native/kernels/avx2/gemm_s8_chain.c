/* Which quads are summed in int16 before they become int32. */
#include "gemm_s8_quads.h"

enum { FULL = 255, STEPS = 64 };

/* Where the loads of a chain and a quad add up to more (32 times 128 are 256), one of the sums is
 * nearly always too large, and not worth a look. */
enum { MOST_LEVEL = 144 };

/* ---- chains ---------------------------------------------------------------------------------- */

/* @return 255 where the level of a chain stands, 0 elsewhere */
static ER_ALWAYS_INLINE __m256i level_of(int32_t chain) {
  const __m256i places =
      _mm256_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
                       22, 23, 24, 25, 26, 27, 28, 29, 30, 31);
  return _mm256_cmpeq_epi8(places, _mm256_set1_epi8((char)(chain & (ER_NEWEST - 1))));
}

/* Levels are changed as one vector: a byte stored alone would keep the next look waiting. */
static ER_ALWAYS_INLINE void enchain(er_chunk *all, er_quad *q, int32_t chain, int32_t order) {
  const int32_t length = ++all->lengths[chain];
  const __m256i level = _mm256_set1_epi8((char)(length == MOST_CHAIN ? FULL : q->level));
  __m256i *room = &all->rooms[ER_NEWEST + chain];
  *room = _mm256_sub_epi8(*room, q->loads[order]);
  all->levels = _mm256_adds_epu8(all->levels, _mm256_and_si256(level, level_of(chain)));
  q->order = order;
  q->chain = chain;
  q->link = length - 1;
}

static ER_ALWAYS_INLINE int32_t open_chain(er_chunk *all) {
  const int32_t chain = all->chain_count++;
  all->lengths[chain] = 0;
  all->rooms[ER_NEWEST + chain] = _mm256_set1_epi8((char)SAFE);
  all->levels = _mm256_andnot_si256(level_of(chain), all->levels);
  return chain;
}

/* @return which of the newest chains may have room for a quad, a bit for each, the oldest first */
static ER_ALWAYS_INLINE uint32_t hopeful(const er_chunk *all, const er_quad *q) {
  const int32_t most = q->level < MOST_LEVEL ? MOST_LEVEL - q->level : 0;
  const __m256i beyond = _mm256_subs_epu8(all->levels, _mm256_set1_epi8((char)most));
  const __m256i fits = _mm256_cmpeq_epi8(beyond, _mm256_setzero_si256());
  const uint32_t bits = (uint32_t)_mm256_movemask_epi8(fits);
  const uint32_t oldest = (uint32_t)all->chain_count % ER_NEWEST;
  return bits >> oldest | bits << (-oldest % ER_NEWEST);
}

/* Quads become lighter, so room is mostly in new chains: the newest are asked, the fullest first.
 */
static ER_ALWAYS_INLINE void place(er_chunk *all, er_quad *q) {
  const int32_t oldest = all->chain_count - ER_NEWEST;
  const __m256i load0 = q->loads[0], load1 = q->loads[1], load2 = q->loads[2];
  const __m256i *rooms = all->rooms + all->chain_count; /* from the oldest of the newest on */
  for (uint32_t left = hopeful(all, q); left; left &= left - 1) {
    const int32_t i = __builtin_ctz(left);
    const __m256i room = rooms[i];
    if (er_has_room(room, load0)) return enchain(all, q, oldest + i, 0);
    if (er_has_room(room, load1)) return enchain(all, q, oldest + i, 1);
    if (er_has_room(room, load2)) return enchain(all, q, oldest + i, 2);
  }
  enchain(all, q, open_chain(all), q->order);
}

/* ---- chunks ---------------------------------------------------------------------------------- */

/* @return whether quads that lie one behind the other fit into long chains */
static bool fit_in_order(const er_chunk *all) {
  for (int32_t n = 0; n < all->count;) {
    const int32_t end = all->count - n < LONG_CHAIN ? all->count : n + LONG_CHAIN;
    __m256i room = _mm256_set1_epi8((char)SAFE);
    for (; n < end; n++) {
      const __m256i load = all->quads[n].loads[0];
      if (!er_has_room(room, load)) return false;
      room = _mm256_sub_epi8(room, load);
    }
  }
  return true;
}

/* Weights of 4 bits: long chains lie one behind the other in the depth. What is left behind them is
 * shorter. @return false when weights are larger */
static bool chain_in_order(er_chunk *all) {
  if (!fit_in_order(all)) return false;
  for (int32_t n = 0; n < all->count;) {
    const int32_t chain = all->chain_count++, left = all->count - n;
    const int32_t most = left < LONG_CHAIN ? MOST_CHAIN : LONG_CHAIN;
    const int32_t length = all->lengths[chain] = left < most ? left : most;
    for (int32_t link = 0; link < length; link++, n++) {
      all->quads[n].order = 0;
      all->quads[n].chain = chain;
      all->quads[n].link = link;
    }
  }
  all->chained = all->count;
  return true;
}

/* @return 0 for the heaviest quads, STEPS for those that are not safe */
static ER_ALWAYS_INLINE int32_t step_of(const er_quad *q) {
  return (FULL - q->level) / ((FULL + 1) / STEPS);
}

/* @param[out] sorted the numbers of the safe quads, the heaviest first @return how many */
static int32_t sort_quads(const er_chunk *all, int32_t *sorted) {
  int32_t at[STEPS + 1] = {0}, end = 0;
  for (int32_t n = 0; n < all->count; n++) at[step_of(&all->quads[n])]++;
  for (int32_t step = 0; step < STEPS; step++) {
    const int32_t count = at[step];
    at[step] = end;
    end += count;
  }
  at[STEPS] = end;
  for (int32_t n = 0; n < all->count; n++) sorted[at[step_of(&all->quads[n])]++] = n;
  return end;
}

/* Bins packed by "first fit decreasing". */
void er_s8_chunk_chain(er_chunk *all) {
  int32_t sorted[ER_MOST_QUADS];
  all->chain_count = 0;
  if (chain_in_order(all)) return;
  all->levels = _mm256_set1_epi8((char)FULL);
  all->chained = sort_quads(all, sorted);
  for (int32_t i = 0; i < all->chained; i++) place(all, &all->quads[sorted[i]]);
}

int32_t er_s8_chunk_cost(const er_chunk *all) {
  return 4 * all->chained + 2 * all->chain_count + 11 * (all->count - all->chained);
}
