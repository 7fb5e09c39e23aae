/* Where in one block of memory each of many pieces goes, so that pieces that live at the same time
 * never overlap: greedy by size (Pisarchyk and Lee, "Efficient Memory Management for Deep Neural
 * Net Inference", 2020, section 5.2). */
#ifndef ER_ARENA_H
#define ER_ARENA_H

#include "memory.h"

typedef struct er_piece {
  size_t bytes;        /* 0: takes no place */
  int32_t first, last; /* steps during which it lives, both included */
  size_t offset;       /* result: a multiple of 64 */
} er_piece;

/** @param pieces [count]
 * @param[out] bytes size of the block
 * @return false when `scratch` has no memory for the planning or the block would overflow size_t */
bool er_arena_plan(er_piece *pieces, int32_t count, er_memory *scratch, size_t *bytes);

#endif
