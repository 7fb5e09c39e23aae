#include "arena.h"

#include <stdint.h>

#include "sort.h"

/* Larger first; of two of one size, the one that lives first. */
static int by_size(const void *left, const void *right) {
  const er_piece *a = *(const er_piece *const *)left;
  const er_piece *b = *(const er_piece *const *)right;
  if (a->bytes != b->bytes) return a->bytes < b->bytes ? 1 : -1;
  if (a->first != b->first) return a->first < b->first ? -1 : 1;
  return a < b ? -1 : a > b;
}

static bool meet(const er_piece *a, const er_piece *b) {
  return a->first <= b->last && b->first <= a->last;
}

/* The lowest offset at which `piece` overlaps no piece that lives at the same time.
 * placed: [count] in the order of their offsets. */
static size_t lowest_gap(er_piece *const *placed, int32_t count, const er_piece *piece) {
  size_t offset = 0;
  for (int32_t i = 0; i < count; i++) {
    if (!meet(placed[i], piece)) continue;
    if (placed[i]->offset >= offset && placed[i]->offset - offset >= piece->bytes) break;
    size_t end = placed[i]->offset + er_align_up(placed[i]->bytes);
    if (end > offset) offset = end;
  }
  return offset;
}

static void insert(er_piece **placed, int32_t count, er_piece *piece) {
  int32_t at = count;
  for (; at > 0 && placed[at - 1]->offset > piece->offset; at--) placed[at] = placed[at - 1];
  placed[at] = piece;
}

bool er_arena_plan(er_piece *pieces, int32_t count, er_memory *scratch, size_t *bytes) {
  er_piece **order = er_memory_array(scratch, (size_t)count, sizeof *order);
  er_piece **placed = er_memory_array(scratch, (size_t)count, sizeof *placed);
  if (!order || !placed) return false;
  int32_t used = 0;
  for (int32_t i = 0; i < count; i++) {
    if (pieces[i].bytes > SIZE_MAX / 4) return false;
    if (pieces[i].bytes) order[used++] = &pieces[i];
  }
  er_sort(order, (size_t)used, sizeof *order, by_size);
  *bytes = 0;
  for (int32_t i = 0; i < used; i++) {
    er_piece *piece = order[i];
    piece->offset = lowest_gap(placed, i, piece);
    if (piece->offset > SIZE_MAX / 4) return false;
    insert(placed, i, piece);
    size_t end = piece->offset + er_align_up(piece->bytes);
    if (end > *bytes) *bytes = end;
  }
  return true;
}
