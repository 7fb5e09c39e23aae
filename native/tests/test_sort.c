/* Sorting against the C library. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "random_numbers.h"
#include "sort.h"

enum { MOST = 200 };

typedef struct pair {
  int32_t key;
  char rest[5]; /* sizes need not be powers of two */
} pair;

static int by_key(const void *left, const void *right) {
  const pair *a = left, *b = right;
  return (a->key > b->key) - (a->key < b->key);
}

static void fill(pair *items, int32_t count) {
  memset(items, 0, (size_t)count * sizeof *items);
  for (int32_t i = 0; i < count; i++) {
    items[i].key = random_from(-count, count);
    memset(items[i].rest, items[i].key & 0x7F, sizeof items[i].rest);
  }
}

static void items_come_out_as_the_c_library_sorts_them(void) {
  for (int32_t count = 0; count <= MOST; count++) {
    pair items[MOST], wanted[MOST];
    fill(items, count);
    memcpy(wanted, items, (size_t)count * sizeof *items);
    qsort(wanted, (size_t)count, sizeof *wanted, by_key);
    er_sort(items, (size_t)count, sizeof *items, by_key);
    CHECK(memcmp(items, wanted, (size_t)count * sizeof *items) == 0);
  }
}

int main(void) {
  items_come_out_as_the_c_library_sorts_them();
  return check_result();
}
