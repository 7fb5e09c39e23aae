/* Bytes from one place to another by moves of constant size. */
#ifndef ER_MOVE_H
#define ER_MOVE_H

#include <stdint.h>
#include <string.h>

enum { ER_MOVE_BLOCK = 64 };

/* @param size a constant. Sixteens go by vector registers: of a larger memcpy ARM's compilers make
 * pairs of 64-bit ones, which move half as much at once. */
static inline void er_move(char *to, const char *from, const int64_t size) {
  typedef char sixteen __attribute__((vector_size(16), aligned(1), may_alias));
  if (size % (int64_t)sizeof(sixteen)) {
    memcpy(to, from, (size_t)size);
    return;
  }
#pragma GCC unroll 4
  for (int64_t at = 0; at < size; at += (int64_t)sizeof(sixteen)) {
    *(sixteen *)(to + at) = *(const sixteen *)(from + at);
  }
}

/* @param bytes ER_MOVE_BLOCK or more */
static inline void er_move_blocks(char *to, const char *from, int64_t bytes) {
  const int64_t last = bytes - ER_MOVE_BLOCK;
  for (int64_t at = 0; at < last; at += ER_MOVE_BLOCK) er_move(to + at, from + at, ER_MOVE_BLOCK);
  er_move(to + last, from + last, ER_MOVE_BLOCK); /* may overlap */
}

/* memcpy, which there may move by pairs of 64-bit registers. */
static inline void er_copy(char *to, const char *from, int64_t bytes) {
#ifdef __aarch64__
  if (bytes >= ER_MOVE_BLOCK) {
    er_move_blocks(to, from, bytes);
    return;
  }
#endif
  memcpy(to, from, (size_t)bytes);
}

#endif
