/* Sorting against its definition: the same items, none before a smaller one. */
#include <stdbool.h>

#include "check.h"
#include "random_numbers.h"
#include "sort.h"

enum { MOST = 200 };

typedef struct pair {
  int32_t key;
  int8_t rest[5]; /* sizes need not be powers of two */
} pair;

static int by_key(const void *left, const void *right) {
  const pair *a = left, *b = right;
  return (a->key > b->key) - (a->key < b->key);
}

static pair pair_of(int32_t key) {
  pair made = {.key = key};
  for (int32_t i = 0; i < 5; i++) made.rest[i] = (int8_t)(key * 7 + i);
  return made;
}

static bool is_pair(const pair *p) {
  const pair wanted = pair_of(p->key);
  return memcmp(p->rest, wanted.rest, sizeof wanted.rest) == 0;
}

static void random_items_come_out_in_order_and_whole(void) {
  for (int32_t count = 0; count <= MOST; count++) {
    pair items[MOST];
    int64_t sum = 0;
    for (int32_t i = 0; i < count; i++) {
      items[i] = pair_of(random_from(-count, count));
      sum += (int64_t)items[i].key * items[i].key + items[i].key;
    }
    er_sort(items, (size_t)count, sizeof *items, by_key);
    for (int32_t i = 0; i < count; i++) {
      CHECK(is_pair(&items[i]));
      CHECK(i == 0 || items[i - 1].key <= items[i].key);
      sum -= (int64_t)items[i].key * items[i].key + items[i].key;
    }
    CHECK(sum == 0);
  }
}

int main(void) {
  random_items_come_out_in_order_and_whole();
  return check_result();
}
