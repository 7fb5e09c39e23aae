/* The packed weights of the AVX2 int8 gemm. */
#ifndef ER_GEMM_S8_PANEL_H
#define ER_GEMM_S8_PANEL_H

#include "avx2.h"

enum {
  ROWS = 8,  /* of a tile */
  UNITS = 8, /* of a panel */
  QUAD = 4,
  MOST_CHAIN = 4,           /* quads */
  LONG_CHAIN = 16,          /* one behind the other, where all weights are small */
  CHUNK = 576,              /* depth at once */
  WIDE_STRIDE = CHUNK + 32, /* int16s from row to row; no multiple of 4096 bytes */
  BYTE_STRIDE = CHUNK + 64,
  ORDERS = 3, /* in which the bytes of a quad can be paired */
  ORDER_BYTES = ROWS * BYTE_STRIDE,
  MOST_OWN = 96, /* depth up to which a panel may have an order of its own */
  BLOCK = 16,    /* bytes within which it is one */
  MOST_SPLIT = 4
};

/* 255 * 128 <= 32767 and -255 * 128 >= -32768: what the weights of one sign may add up to in a sum
 * of products that is kept in int16. */
enum { SAFE = 128 };

/* The quads of one chunk of a panel, in this order: long chains, chains of four, three, two
 * and one, exact. */
typedef struct er_s8_counts {
  uint16_t longs, fours, threes, twos, ones, exact; /* where they end, in quads */
  uint16_t orders;    /* in which the rows' bytes are read: 0, 1 or ORDERS */
  uint16_t fits;      /* whether no scaled sum of the panel leaves int32 */
  uint16_t reach;     /* whether some sum of the panel could reach 2^23 */
  uint16_t own_order; /* whether it reads the rows in its own order */
} er_s8_counts;

/* What a panel begins with. Behind it, each from a multiple of 64 bytes on:
 *   er_s8_counts counts[chunks]
 *   uint16_t places[quads]   where the rows of a tile are read: for pairs in their bytes (order *
 *                            ORDER_BYTES + depth in the chunk), for exact quads in their int16s
 *   int8_t weights[quads]    pairs: [UNITS][4]; exact: [2][UNITS][2]
 *   uint8_t order[depth]     up to MOST_OWN: the depth, less that of its block, of each byte of
 *                            order ORDERS, the panel's own. There a quad that is not safe is
 *                            split into two: at most MOST_SPLIT of them */
typedef struct er_s8_panel {
  int32_t bias[UNITS];
  float scale[UNITS];
} er_s8_panel;

static inline size_t er_s8_whole_lines(size_t bytes) { return (bytes + 63) / 64 * 64; }
static inline int32_t er_s8_padded(int32_t depth) { return (depth + QUAD - 1) / QUAD * QUAD; }

static inline size_t er_s8_counts_bytes(int32_t depth) {
  return er_s8_whole_lines(((size_t)depth + CHUNK - 1) / CHUNK * sizeof(er_s8_counts));
}

static inline size_t er_s8_quads(int32_t depth) {
  return (size_t)er_s8_padded(depth) / QUAD + (depth <= MOST_OWN ? MOST_SPLIT : 0);
}

static inline size_t er_s8_place_bytes(int32_t depth) {
  return er_s8_whole_lines(er_s8_quads(depth) * sizeof(uint16_t));
}

static inline size_t er_s8_weight_bytes(int32_t depth) {
  return er_s8_whole_lines(er_s8_quads(depth) * QUAD * UNITS);
}

static inline size_t er_s8_order_bytes(int32_t depth) {
  return depth <= MOST_OWN ? er_s8_whole_lines((size_t)depth) : 0;
}

static inline size_t er_s8_panel_bytes(int32_t depth) {
  return sizeof(er_s8_panel) + er_s8_counts_bytes(depth) + er_s8_place_bytes(depth) +
         er_s8_weight_bytes(depth) + er_s8_order_bytes(depth);
}

static inline const er_s8_panel *er_s8_panel_at(const void *packed, int32_t unit, int32_t depth) {
  const char *at = (const char *)packed + (size_t)(unit / UNITS) * er_s8_panel_bytes(depth);
  return (const er_s8_panel *)(const void *)at;
}

static inline er_s8_counts *er_s8_counts_of(const er_s8_panel *panel) {
  return (er_s8_counts *)(uintptr_t)(panel + 1);
}

static inline uint16_t *er_s8_places(const er_s8_panel *panel, int32_t depth) {
  return (uint16_t *)((uintptr_t)(panel + 1) + er_s8_counts_bytes(depth));
}

static inline int8_t *er_s8_weights(const er_s8_panel *panel, int32_t depth) {
  return (int8_t *)((uintptr_t)(panel + 1) + er_s8_counts_bytes(depth) + er_s8_place_bytes(depth));
}

static inline uint8_t *er_s8_order(const er_s8_panel *panel, int32_t depth) {
  return (uint8_t *)er_s8_weights(panel, depth) + er_s8_weight_bytes(depth);
}

/** @return the shuffle that brings the bytes of each quad into an order: 0 1 2 3, 0 2 1 3 or
 * 0 3 1 2. */
static ER_ALWAYS_INLINE __m256i er_quad_order(int32_t order) {
  const __m128i base = _mm_setr_epi8(0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12);
  const int32_t bytes = order == 0 ? 0x03020100 : order == 1 ? 0x03010200 : 0x02010300;
  return _mm256_broadcastsi128_si256(_mm_add_epi8(base, _mm_set1_epi32(bytes)));
}

size_t er_s8_packed_bytes(int32_t units, int32_t depth);
void er_s8_pack(const er_weights_s8 *weights, void *packed);
/** Find an order in which few quads are not safe.
 * @param values [units][depth]
 * @param[out] order [depth, padded to BLOCK] zeroed; as in a panel
 * @return how many are not */
int32_t er_s8_find_order(const int8_t *values, int32_t units, int32_t depth, uint8_t *order);
/** The block from depth d on, in that order. @param[out] rows [UNITS], 0 where there is none */
void er_s8_take_block(const int8_t *values, int32_t units, int32_t depth, const uint8_t *order,
                      int32_t d, __m128i *rows);

#endif
