#include "kernels/w4b_panels.h"

#include <math.h>
#include <string.h>

#include "kernels/load.h"

size_t er_w4b_packed_bytes(int32_t units, int32_t depth, int32_t block) {
  const size_t panels = ((size_t)units + ER_W4B_UNITS - 1) / ER_W4B_UNITS;
  return panels * er_w4b_panel_bytes(depth, block);
}

/* Weights [first, first + block) of one unit go to its lane. @return their sum */
static int32_t pack_block(const er_weights_w4b *w, int64_t first, int32_t lane, uint8_t *pairs) {
  int32_t sum = 0;
  for (int32_t d = 0; d < w->block; d++) {
    const int32_t value = er_nibble_at(w->values, first + d);
    uint8_t *pair = pairs + (d / 8 * ER_W4B_UNITS + lane) * 4 + d % 4;
    *pair |= (uint8_t)((value + 8) << (d % 8 / 4 * 4));
    sum += value;
  }
  return sum;
}

static void pack_unit(const er_weights_w4b *w, int32_t unit, er_w4b_panel *panel) {
  const int32_t lane = unit % ER_W4B_UNITS, blocks = w->depth / w->block;
  er_w4b_block *to = &panel->first;
  for (int32_t b = 0; b < blocks; b++) {
    const float scale = w->scale[(int64_t)unit * blocks + b];
    uint32_t bits;
    memcpy(&bits, &scale, sizeof bits);
    to->scale[lane] = (uint16_t)(bits >> 16);
    const int64_t first = (int64_t)unit * w->depth + (int64_t)b * w->block;
    const int32_t sum = pack_block(w, first, lane, to->pairs);
    panel->k[lane] = fmaf((float)sum, scale, panel->k[lane]);
    to = (er_w4b_block *)(void *)((char *)to + er_w4b_block_bytes(w->block));
  }
}

void er_w4b_pack(const er_weights_w4b *weights, void *packed) {
  const size_t bytes = er_w4b_panel_bytes(weights->depth, weights->block);
  for (int32_t u = 0; u < weights->units; u++) {
    char *panel = (char *)packed + (size_t)(u / ER_W4B_UNITS) * bytes;
    pack_unit(weights, u, (er_w4b_panel *)(void *)panel);
  }
}
