/* Patches out of padded lines, elements as they are stored. A piece is copied by moves of constant
 * size: of a short one too much, which what follows overwrites. */
#include "kernels/kernels.h"
#include "kernels/move.h"

enum { SHORT = 16, MOVE = 32, BLOCK = ER_MOVE_BLOCK, LONG = 1024 }; /* bytes */

/* @param size of a move: BLOCK for a piece of so many bytes or more; 0: any, for a long one */
static inline void copy(char *to, const char *from, int64_t bytes, const int64_t size) {
  if (size == BLOCK) {
    er_move_blocks(to, from, bytes);
  } else if (size == MOVE) {
    for (int64_t at = 0; at < bytes; at += MOVE) er_move(to + at, from + at, MOVE);
  } else if (size) {
    er_move(to, from, size);
  } else {
    er_copy(to, from, bytes);
  }
}

/* `count` patches of one line.
 * @param g a copy, which no store may change
 * @param pieces,size constant, so that the compiler unrolls what is short
 * @return behind the last one */
static inline char *line(const er_patch_gather g, const char *from, int32_t count, char *to,
                         const int32_t pieces, const int64_t size) {
  for (int32_t n = 0; n < count; n++, from += g.patch_stride) {
    const char *piece = from;
    for (int32_t p = 0; p < pieces; p++, piece += g.piece_stride, to += g.bytes) {
      copy(to, piece, g.bytes, size);
    }
  }
  return to;
}

static char *line_of_any(const er_patch_gather g, const char *from, int32_t count, char *to) {
  if (g.bytes <= 4) return line(g, from, count, to, g.pieces, 4);
  if (g.bytes <= SHORT && g.pieces == 3) return line(g, from, count, to, 3, SHORT);
  if (g.bytes <= SHORT) return line(g, from, count, to, g.pieces, SHORT);
  if (g.bytes < BLOCK) return line(g, from, count, to, g.pieces, MOVE);
  return line(g, from, count, to, g.pieces, g.bytes < LONG ? BLOCK : 0);
}

void er_gather_patches(const er_patch_gather *gather, const void *lines, int32_t first,
                       int32_t count, void *rows) {
  const char *from = lines;
  char *to = rows;
  for (int32_t n; count > 0; count -= n, first = 0, from += gather->line_stride) {
    const int32_t left = gather->width - first;
    n = left < count ? left : count;
    to = line_of_any(*gather, from + first * gather->patch_stride, n, to);
  }
}
