/* The arena against a direct check of its promise: pieces that live together never overlap. */
#include <stdint.h>

#include "arena.h"
#include "check.h"

static uint32_t next(uint32_t *state) {
  *state = *state * 1664525U + 1013904223U;
  return *state >> 8;
}

static void check_pieces(const er_piece *pieces, int32_t count, size_t bytes) {
  for (int32_t i = 0; i < count; i++) {
    CHECK(pieces[i].offset % ER_ALIGNMENT == 0);
    CHECK(pieces[i].offset + pieces[i].bytes <= bytes);
    for (int32_t k = 0; k < i; k++) {
      if (pieces[i].first > pieces[k].last || pieces[k].first > pieces[i].last) continue;
      CHECK(pieces[i].offset + pieces[i].bytes <= pieces[k].offset ||
            pieces[k].offset + pieces[k].bytes <= pieces[i].offset);
    }
  }
}

/* The largest sum of bytes alive in one step: no plan can be smaller. */
static size_t lower_bound(const er_piece *pieces, int32_t count, int32_t steps) {
  size_t most = 0;
  for (int32_t step = 0; step < steps; step++) {
    size_t alive = 0;
    for (int32_t i = 0; i < count; i++) {
      if (pieces[i].first <= step && step <= pieces[i].last) alive += er_align_up(pieces[i].bytes);
    }
    if (alive > most) most = alive;
  }
  return most;
}

static void random_lifetimes_never_overlap(void) {
  uint32_t state = 1;
  for (int32_t round = 0; round < 200; round++) {
    er_piece pieces[40];
    for (int32_t i = 0; i < 40; i++) {
      int32_t first = (int32_t)(next(&state) % 30);
      pieces[i] = (er_piece){.bytes = 1 + next(&state) % 5000,
                             .first = first,
                             .last = first + (int32_t)(next(&state) % 6)};
    }
    er_memory scratch = er_memory_from(NULL, 0);
    size_t bytes = 0;
    CHECK(er_arena_plan(pieces, 40, &scratch, &bytes));
    check_pieces(pieces, 40, bytes);
    CHECK(bytes <= 2 * lower_bound(pieces, 40, 36));
    er_memory_release(&scratch);
  }
}

static void a_chain_takes_its_two_largest_neighbours(void) {
  er_piece chain[] = {{6400, 0, 1, 0}, {12800, 1, 2, 0}, {6400, 2, 3, 0}, {640, 3, 4, 0}};
  er_memory scratch = er_memory_from(NULL, 0);
  size_t bytes = 0;
  CHECK(er_arena_plan(chain, 4, &scratch, &bytes));
  CHECK(bytes == 12800 + 6400);
  er_memory_release(&scratch);
}

static void sizes_that_cannot_be_added_are_refused(void) {
  er_piece huge[] = {{SIZE_MAX / 2, 0, 1, 0}, {64, 0, 1, 0}};
  er_memory scratch = er_memory_from(NULL, 0);
  size_t bytes = 0;
  CHECK(!er_arena_plan(huge, 2, &scratch, &bytes));
  er_memory_release(&scratch);
}

int main(void) {
  random_lifetimes_never_overlap();
  a_chain_takes_its_two_largest_neighbours();
  sizes_that_cannot_be_added_are_refused();
  return check_result();
}
