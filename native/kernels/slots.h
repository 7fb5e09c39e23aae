/* Sums of a tile in the order of registers. Two vectors of `lanes` int32s are packed to bytes by
 * instructions that take four values of each in turn, so slot s of the pair holds the unit below.
 */
#ifndef ER_SLOTS_H
#define ER_SLOTS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/** @param pair false: one vector, whose units are in order */
static inline int32_t er_unit_of_slot(int32_t lanes, bool pair, int32_t slot) {
  return pair ? slot % lanes / 4 * 8 + slot / lanes * 4 + slot % 4 : slot;
}

/** Bring the sums of one row in order.
 * @param sums [lanes] or [2 * lanes] by slot
 * @param units how many to store
 * @param to [units] */
static inline void er_store_sums(int32_t lanes, bool pair, const int32_t *sums, int32_t units,
                                 int32_t *to) {
  for (int32_t slot = 0; slot < (pair ? 2 : 1) * lanes; slot += 4) {
    const int32_t unit = er_unit_of_slot(lanes, pair, slot);
    if (unit + 4 <= units) {
      memcpy(to + unit, sums + slot, 4 * sizeof *to);
    } else {
      for (int32_t i = unit; i < units; i++) to[i] = sums[slot + i - unit];
    }
  }
}

/* Where the plain sums of a product go; `to` is NULL where bytes go to the call's output. */
typedef struct er_plain_sums {
  int32_t *to; /* [rows][units of the call] */
  int64_t stride;
} er_plain_sums;

/** Bring the sums of a tile in order.
 * @param sums [rows][2 * lanes] by slot
 * @param units how many of the tile to store, at most its width
 * @param to the tile's first sum */
static inline void er_store_tile(int32_t lanes, bool pair, const int32_t *sums, int32_t rows,
                                 int32_t units, int32_t *to, int64_t stride) {
  const int32_t width = pair ? 2 * lanes : lanes;
  for (int32_t r = 0; r < rows; r++) {
    er_store_sums(lanes, pair, sums + (int64_t)r * 2 * lanes, units < width ? units : width,
                  to + r * stride);
  }
}

#endif
