/* The packed form of 4-bit block weights for 16 lanes of int32: panels of 16 units. */
#ifndef ER_W4B_PANELS_H
#define ER_W4B_PANELS_H

#include "linear_kernels.h"

enum { ER_W4B_UNITS = 16 };

/* One block of one panel; blocks follow each other. */
typedef struct er_w4b_block {
  uint16_t scale[ER_W4B_UNITS]; /* the upper half of a float */
  /* [block / 8][unit][4]: byte j holds weight + 8 of depth 8g + j in its low nibble, of depth
   * 8g + 4 + j in its high one */
  uint8_t pairs[];
} er_w4b_block;

typedef struct er_w4b_panel {
  float k[ER_W4B_UNITS];
  er_w4b_block first;
} er_w4b_panel;

static inline size_t er_w4b_block_bytes(int32_t block) {
  return sizeof(er_w4b_block) + (size_t)block * ER_W4B_UNITS / 2;
}

static inline size_t er_w4b_panel_bytes(int32_t depth, int32_t block) {
  const size_t blocks = (size_t)(depth / block) * er_w4b_block_bytes(block);
  return (ER_W4B_UNITS * sizeof(float) + blocks + 63) / 64 * 64;
}

size_t er_w4b_packed_bytes(int32_t units, int32_t depth, int32_t block);
void er_w4b_pack(const er_weights_w4b *weights, void *packed);

#endif
