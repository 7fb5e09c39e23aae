/* The weights of a panel in quads: how they are taken, weighed and put together. */
#ifndef ER_GEMM_S8_QUADS_H
#define ER_GEMM_S8_QUADS_H

#include "gemm_s8_panel.h"

enum {
  ER_EXACT = ORDERS,
  ER_UNSAFE = -1,
  ER_MOST_QUADS = CHUNK / QUAD + MOST_SPLIT,
  ER_NEWEST = 32 /* chains that are asked for room: the bytes of a vector */
};

/* What the weights of one sign add up to in one pair is a load. */
typedef struct er_quad {
  int8_t weights[UNITS][QUAD];
  __m256i loads[ORDERS]; /* in each order of the bytes; of -1: not to be stored in it */
  int32_t level;         /* what the loads add up to, in any order, of 255; or ER_UNSAFE */
  int32_t order;         /* in which it is stored, at first one that is safe; or ER_EXACT */
  int32_t place;         /* where the rows are read in order 0 */
  int32_t chain, link;   /* the chain that it is in, and how many quads stand before it there */
} er_quad;

/* The quads of one chunk by the way they are multiplied. A chain: quads whose pairs are summed in
 * int16 before they become int32. */
typedef struct er_chunk {
  int32_t count, chain_count, chained; /* quads, chains, quads in chains */
  er_quad quads[ER_MOST_QUADS];
  int32_t lengths[ER_MOST_QUADS];           /* of the chains, in quads */
  __m256i rooms[ER_NEWEST + ER_MOST_QUADS]; /* of chain c at ER_NEWEST + c: what sums can take */
  __m256i levels;                           /* of the newest chains, of chain c at c % 32 */
} er_chunk;

/* The units of one panel. */
typedef struct er_source {
  const int8_t *values; /* [count][depth] */
  int32_t count, depth; /* units that exist */
  int32_t orders;       /* to try; 0: all quads are exact */
} er_source;

/* Whether no int16 sum of products leaves its range with `loads` added to it.
 * @param room what each sum can still take */
static ER_ALWAYS_INLINE bool er_has_room(__m256i room, __m256i loads) {
  const __m256i beyond = _mm256_subs_epu8(loads, room);
  return _mm256_testz_si256(beyond, beyond);
}

/** Take the quads of depth [d, end). @return whether all are safe in some order */
bool er_s8_take_quads(const er_source *source, int32_t d, int32_t end, er_chunk *chunk);
/** Take all quads of the depth in the panel's own order.
 * @param[out] order as er_s8_find_order makes it
 * @return false when too many of them are not safe */
bool er_s8_take_ordered(const er_source *source, uint8_t *order, er_chunk *chunk);
/** Put all safe quads into few chains; the others stay ER_EXACT. */
void er_s8_chunk_chain(er_chunk *chunk);
/** @return half the vector instructions for a row, about */
int32_t er_s8_chunk_cost(const er_chunk *chunk);

#endif
