/* What the layer of AMX brings, and its tiles. */
#ifndef ER_AMX_H
#define ER_AMX_H

#include <immintrin.h>

#include "kernels/kernels.h"

extern const er_gemm_s8 er_gemm_s8_amx, er_gemm_sums_amx;

/** Make tiles of 64 bytes a row: those of sums and rows (0 to 5) of `height` rows, those of weights
 * (6, 7) of 16. _tile_release() ends it, so that no thread carries tiles when it is switched.
 * @param height 1..16 */
static inline void er_amx_configure(int32_t height) {
  struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
  } tiles = {.palette = 1};
  for (int32_t i = 0; i < 8; i++) {
    tiles.row_bytes[i] = 64;
    tiles.rows[i] = i < 6 ? (uint8_t)height : 16;
  }
  __asm__ volatile("" : : "r"(&tiles) : "memory"); /* gcc sees the load of eight bytes only */
  _tile_loadconfig(&tiles);
}

#endif
