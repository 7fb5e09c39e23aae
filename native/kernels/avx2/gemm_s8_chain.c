/* Which quads are summed in int16 before they become int32. */
#include "gemm_s8_quads.h"

enum { NOBODY = -1, FULL = 255, STEPS = 64, MOST_ASKED = sizeof(__m256i) };

/* Where the loads of a chain and a quad add up to more (32 times 128 are 256), one of the sums is
 * nearly always too large, and not worth a look. */
enum { MOST_LEVEL = 144 };

static void enchain(er_chunk *all, int32_t number, int32_t which, int32_t order) {
  er_quad *q = &all->quads[number];
  er_chain *to = &all->chains[which];
  const int32_t level = all->levels[which] + q->level;
  q->order = order;
  to->quads[to->length++] = number;
  all->rooms[which] = _mm256_sub_epi8(all->rooms[which], q->loads[order]);
  all->levels[which] = (uint8_t)(level > FULL || to->length == MOST_CHAIN ? FULL : level);
}

static int32_t open_chain(er_chunk *all) {
  const int32_t c = all->chain_count++;
  all->chains[c].length = 0;
  all->rooms[c] = _mm256_set1_epi8((char)SAFE);
  all->levels[c] = 0;
  return c;
}

/* @return those of the chains from `first` on that may have room for a quad, a bit for each */
static ER_ALWAYS_INLINE uint32_t hopeful(const er_chunk *all, int32_t first, const er_quad *q) {
  const int32_t most = q->level < MOST_LEVEL ? MOST_LEVEL - q->level : 0;
  const __m256i levels = _mm256_loadu_si256((const __m256i *)(const void *)(all->levels + first));
  const __m256i beyond = _mm256_subs_epu8(levels, _mm256_set1_epi8((char)most));
  return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(beyond, _mm256_setzero_si256()));
}

/* Quads become lighter, so room is mostly in new chains: the newest are asked, the fullest first.
 */
static void place(er_chunk *all, int32_t number) {
  const er_quad *q = &all->quads[number];
  const __m256i load0 = q->loads[0], load1 = q->loads[1], load2 = q->loads[2];
  const int32_t first = all->chain_count > MOST_ASKED ? all->chain_count - MOST_ASKED : 0;
  const __m256i *rooms = all->rooms + first;
  int32_t c = -1, order = ORDERS;
  for (uint32_t left = hopeful(all, first, q); left && order == ORDERS; left &= left - 1) {
    c = __builtin_ctz(left);
    const __m256i room = rooms[c];
    order = er_has_room(room, load0)   ? 0
            : er_has_room(room, load1) ? 1
            : er_has_room(room, load2) ? 2
                                       : 3;
  }
  if (order == ORDERS) {
    const __m256i room = _mm256_set1_epi8((char)SAFE);
    c = open_chain(all) - first;
    order = er_has_room(room, load0) ? 0 : er_has_room(room, load1) ? 1 : 2;
  }
  enchain(all, number, first + c, order);
}

/* Weights of 4 bits: any quads fit together. Long chains lie one behind the other in the depth.
 * @return false when weights are larger */
static bool chain_in_order(er_chunk *all) {
  const __m256i room = _mm256_set1_epi8(SAFE / LONG_CHAIN);
  for (int32_t n = 0; n < all->count; n++) {
    if (!er_has_room(room, all->quads[n].loads[0])) return false;
  }
  for (int32_t n = 0; n < all->count;) {
    er_chain *to = &all->chains[all->chain_count++];
    const int32_t left = all->count - n, most = left < LONG_CHAIN ? MOST_CHAIN : LONG_CHAIN;
    for (to->length = 0; to->length < most && n < all->count; n++) {
      all->quads[n].order = 0;
      to->quads[to->length++] = n;
    }
  }
  return true;
}

/* Bins packed by "first fit decreasing". */
void er_s8_chunk_chain(er_chunk *all) {
  int32_t firsts[STEPS]; /* quads by their level */
  all->chain_count = 0;
  if (chain_in_order(all)) return;
  memset(firsts, NOBODY, sizeof firsts);
  memset(all->levels, FULL, sizeof all->levels);
  for (int32_t n = all->count - 1; n >= 0; n--) {
    er_quad *q = &all->quads[n];
    if (q->level == ER_UNSAFE) continue;
    int32_t *first = &firsts[q->level * STEPS / (FULL + 2)];
    q->next = *first;
    *first = n;
  }
  for (int32_t step = STEPS - 1; step >= 0; step--) {
    for (int32_t n = firsts[step]; n != NOBODY; n = all->quads[n].next) place(all, n);
  }
}

int32_t er_s8_chunk_cost(const er_chunk *all) {
  int32_t exact = all->count, cost = 0;
  for (int32_t c = 0; c < all->chain_count; c++) {
    cost += 4 * all->chains[c].length + 2;
    exact -= all->chains[c].length;
  }
  return cost + 11 * exact;
}
