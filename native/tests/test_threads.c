/* The pool: every index is visited once, in parts that depend on nothing but the two counts. */
#include <string.h>

#include "check.h"
#include "threads.h"

enum { MOST = 1000 };

typedef struct visits {
  uint8_t count[MOST];
  uint8_t thread[MOST];
} visits;

static void visit(void *arg, int32_t first, int32_t last, int32_t thread) {
  visits *seen = arg;
  for (int32_t i = first; i < last; i++) {
    seen->count[i]++;
    seen->thread[i] = (uint8_t)thread;
  }
}

static void run_often(er_pool *pool, int32_t threads, int32_t count) {
  for (int32_t round = 0; round < 50; round++) {
    visits seen;
    memset(&seen, 0, sizeof seen);
    er_pool_run(pool, count, visit, &seen);
    for (int32_t i = 0; i < count; i++) {
      CHECK(seen.count[i] == 1);
      CHECK(seen.thread[i] < threads);
      CHECK(i == 0 || seen.thread[i] >= seen.thread[i - 1]);
    }
  }
}

static void every_index_is_visited_once(void) {
  static const int32_t threads[] = {1, 2, 3, 8};
  static const int32_t counts[] = {0, 1, 2, 7, 64, MOST};
  for (size_t t = 0; t < sizeof threads / sizeof threads[0]; t++) {
    er_memory memory = er_memory_from(NULL, 0);
    er_pool *pool = er_pool_start(&memory, threads[t]);
    CHECK(pool != NULL);
    for (size_t c = 0; pool && c < sizeof counts / sizeof counts[0]; c++) {
      run_often(pool, threads[t], counts[c]);
    }
    er_pool_stop(pool);
    er_memory_release(&memory);
  }
}

int main(void) {
  every_index_is_visited_once();
  return check_result();
}
