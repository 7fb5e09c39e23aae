/* Other instruction sets compile this file again, with tiles of their own (ER_TILE and `turn`). */
#include <stdbool.h>
#include <string.h>

#include "kernels/copy.h"

/* A copy with a constant size compiles to one load and one store: both ends of a block, which may
 * overlap, take two. */
#define COPY_ROW(size)                                                             \
  for (int64_t i = 0; i < count; ++i, out += out_step, in += in_step) {            \
    memcpy(out, in, (size));                                                       \
    if (block > (size)) memcpy(out + block - (size), in + block - (size), (size)); \
  }

static __attribute__((noinline)) void copy_row(uint8_t *out, int64_t out_step, const uint8_t *in,
                                               int64_t in_step, int64_t count, int64_t block) {
  if (block == 1) {
    for (int64_t i = 0; i < count; ++i) out[i * out_step] = in[i * in_step];
  } else if (block < 4) {
    COPY_ROW(2)
  } else if (block == 4) {
    for (int64_t i = 0; i < count; ++i) memcpy(out + i * out_step, in + i * in_step, 4);
  } else if (block < 8) {
    COPY_ROW(4)
  } else if (block < 16) {
    COPY_ROW(8)
  } else if (block <= 32) {
    COPY_ROW(16)
  } else if (block <= 64) {
    COPY_ROW(32)
  } else {
    for (int64_t i = 0; i < count; ++i) {
      memcpy(out + i * out_step, in + i * in_step, (size_t)block);
    }
  }
}

/* LINES of a tile's width at once, and their whole length, so that the cache holds them. */
enum { TILE = 8, LINES = 32 };

#ifndef ER_TILE
#define ER_TILE(size) TILE /* bytes of a tile's width, by those of an element */

/* Exchange the bytes above `shift` of each pair in x with those below in y. */
#define EXCHANGE(x, y, shift, mask)                             \
  do {                                                          \
    const uint64_t different = ((x) >> (shift) ^ (y)) & (mask); \
    (y) ^= different, (x) ^= different << (shift);              \
  } while (0)

/* Lines of eight bytes, as many as elements fit into one (Warren, "Hacker's Delight", section 7-3):
 * neighbours change places, then pairs, then halves. @param size of an element, a constant */
static inline __attribute__((always_inline)) void turn(uint8_t *out, int64_t out_step,
                                                       const uint8_t *in, int64_t in_step,
                                                       const int size) {
  const int lines = TILE / size;
  uint64_t line[TILE];
#pragma GCC unroll 8
  for (int i = 0; i < lines; ++i) memcpy(&line[i], in + i * in_step, TILE);
#pragma GCC unroll 8
  for (int i = 0; i < lines; i += 2) {
    if (size == 1) EXCHANGE(line[i], line[i + 1], 8, 0x00FF00FF00FF00FFu);
  }
#pragma GCC unroll 8
  for (int i = 0; i < lines; ++i) {
    const int apart = 2 / size;
    if (apart && !(i & apart)) EXCHANGE(line[i], line[i + apart], 16, 0x0000FFFF0000FFFFu);
  }
#pragma GCC unroll 8
  for (int i = 0; i < lines / 2; ++i) {
    EXCHANGE(line[i], line[i + lines / 2], 32, 0x00000000FFFFFFFFu);
  }
#pragma GCC unroll 8
  for (int i = 0; i < lines; ++i) memcpy(out + i * out_step, &line[i], TILE);
}

#endif

/* Rows that a tile turns into as many bytes of each line, all along. @param bytes of the lines */
#define TURN_ROWS(size)                                                \
  for (int64_t i = 0; i < bytes; i += ER_TILE(size)) {                 \
    turn(out + i, out_step, in + i / (size) * in_step, in_step, size); \
  }

static void turn_rows(uint8_t *out, int64_t out_step, const uint8_t *in, int64_t in_step,
                      int64_t bytes, int64_t size) {
  if (size == 1) {
    TURN_ROWS(1)
  } else if (size == 2) {
    TURN_ROWS(2)
  } else {
    TURN_ROWS(4)
  }
}

/* Four bytes, each with a zero behind it. */
static uint64_t spread(const uint8_t *bytes) {
  uint32_t four;
  memcpy(&four, bytes, sizeof four);
  const uint64_t pairs = (four | (uint64_t)four << 16) & 0x0000FFFF0000FFFFu;
  return (pairs | pairs << 8) & 0x00FF00FF00FF00FFu;
}

/* Two lines of bytes into one. */
static void interleave(uint8_t *out, const uint8_t *first, const uint8_t *second, int64_t count) {
  int64_t i = 0;
  for (; i + 4 <= count; i += 4) {
    const uint64_t eight = spread(first + i) | spread(second + i) << 8;
    memcpy(out + 2 * i, &eight, sizeof eight);
  }
  for (; i < count; ++i) out[2 * i] = first[i], out[2 * i + 1] = second[i];
}

/* Dimensions of fewer than TILE bytes become the innermost, by columns: channels are shuffled. */
static void copy_narrow_plane(const er_copy *copy, uint8_t *out, const uint8_t *in, int64_t rows) {
  const int32_t d = copy->rank - 2, last = copy->rank - 1;
  const int64_t in_row = copy->in_stride[d], out_row = copy->out_stride[d];
  const int64_t in_step = copy->in_stride[last], out_step = copy->out_stride[last];
  if (copy->dims[last] == 2 && copy->block == 1 && in_row == 1 && out_step == 1 && out_row == 2) {
    interleave(out, in, in + in_step, rows);
    return;
  }
  for (int64_t i = 0; i < copy->dims[last]; ++i) {
    copy_row(out + i * out_step, out_row, in + i * in_step, in_row, rows, copy->block);
  }
}

/* The last two dimensions. */
static void copy_plane(const er_copy *copy, uint8_t *out, const uint8_t *in, int64_t rows) {
  const int32_t d = copy->rank - 2, last = copy->rank - 1;
  const int64_t in_row = copy->in_stride[d], out_row = copy->out_stride[d];
  const int64_t in_step = copy->in_stride[last], out_step = copy->out_stride[last];
  const int64_t count = copy->dims[last];
  if (count < TILE && rows > count) {
    copy_narrow_plane(copy, out, in, rows);
    return;
  }
  const int64_t size = copy->block;
  const bool turns = (size == 1 || size == 2 || size == 4) && in_row == size && out_step == size;
  const int64_t tile = turns ? ER_TILE(size) / size : 1, tiled = turns ? count / tile * tile : 0;
  const int64_t turned = tiled ? rows / tile * tile : 0;
  for (int64_t i = 0, end; i < tiled; i = end) {
    end = tiled - i < LINES ? tiled : i + LINES;
    for (int64_t row = 0; row < turned; row += tile) {
      turn_rows(out + row * out_row + i * size, out_row, in + row * size + i * in_step, in_step,
                (end - i) * size, size);
    }
  }
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t done = row < turned ? tiled : 0;
    copy_row(out + row * out_row + done * out_step, out_step, in + row * in_row + done * in_step,
             in_step, count - done, size);
  }
}

/* Step the index of the dimensions [1, rank - 2) by one, like an odometer. */
static int advance(const er_copy *copy, int64_t *index, int64_t *out_at, int64_t *in_at) {
  for (int32_t d = copy->rank - 3; d >= 1; --d) {
    *out_at += copy->out_stride[d];
    *in_at += copy->in_stride[d];
    if (++index[d] < copy->dims[d]) return 1;
    *out_at -= copy->out_stride[d] * copy->dims[d];
    *in_at -= copy->in_stride[d] * copy->dims[d];
    index[d] = 0;
  }
  return 0;
}

static void copy_slab(const er_copy *copy, uint8_t *out, const uint8_t *in) {
  int64_t index[ER_COPY_RANK] = {0};
  int64_t out_at = 0;
  int64_t in_at = 0;
  do {
    copy_plane(copy, out + out_at, in + in_at, copy->dims[copy->rank - 2]);
  } while (advance(copy, index, &out_at, &in_at));
}

void er_copy_strided(const er_copy *copy, int64_t first, int64_t last, void *out, const void *in) {
  uint8_t *to = (uint8_t *)out + copy->out_offset + first * copy->out_stride[0];
  const uint8_t *from = (const uint8_t *)in + copy->in_offset + first * copy->in_stride[0];
  switch (copy->rank) {
    case 0:
      memcpy(to, from, (size_t)copy->block);
      break;
    case 1:
      copy_row(to, copy->out_stride[0], from, copy->in_stride[0], last - first, copy->block);
      break;
    case 2:
      copy_plane(copy, to, from, last - first);
      break;
    default:
      for (int64_t i = first; i < last; ++i) {
        copy_slab(copy, to, from);
        to += copy->out_stride[0], from += copy->in_stride[0];
      }
  }
}
