#include "threads.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

/* Between the operators of one run work arrives every few microseconds: spinning that long is
 * cheaper than a futex, longer is a waste of a core. */
enum { SPIN_NANOSECONDS = 20000, CLOCK_EVERY = 64 };

typedef struct worker {
  er_pool *pool;
  pthread_t thread;
  int32_t number; /* 1.. ; the caller is 0 */
} worker;

struct er_pool {
  int32_t threads;
  int32_t started;       /* workers that run */
  atomic_uint round;     /* one more for each loop that is posted */
  atomic_int unfinished; /* workers that still compute this round */
  atomic_bool stop;
  atomic_int sleepers;
  pthread_mutex_t lock;
  pthread_cond_t posted;
  er_work work;
  void *arg;
  int32_t count;
  int32_t parts;
  worker *workers; /* [threads - 1] */
};

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void work_part(const er_pool *pool, int32_t part) {
  int32_t first = (int32_t)((int64_t)pool->count * part / pool->parts);
  int32_t last = (int32_t)((int64_t)pool->count * (part + 1) / pool->parts);
  if (first < last) pool->work(pool->arg, first, last, part);
}

static bool spin_for(er_pool *pool, unsigned seen) {
  int64_t end = now() + SPIN_NANOSECONDS;
  do {
    for (int32_t i = 0; i < CLOCK_EVERY; i++) {
      if (atomic_load_explicit(&pool->round, memory_order_acquire) != seen) return true;
    }
  } while (now() < end);
  return false;
}

static void sleep_for(er_pool *pool, unsigned seen) {
  pthread_mutex_lock(&pool->lock);
  atomic_fetch_add(&pool->sleepers, 1);
  while (atomic_load(&pool->round) == seen) pthread_cond_wait(&pool->posted, &pool->lock);
  atomic_fetch_sub(&pool->sleepers, 1);
  pthread_mutex_unlock(&pool->lock);
}

static void *serve(void *arg) {
  worker *self = arg;
  er_pool *pool = self->pool;
  for (unsigned seen = 0;; seen++) {
    if (!spin_for(pool, seen)) sleep_for(pool, seen);
    if (atomic_load(&pool->stop)) return NULL;
    if (self->number < pool->parts) work_part(pool, self->number);
    atomic_fetch_sub_explicit(&pool->unfinished, 1, memory_order_release);
  }
}

/* The round and the number of sleepers are both sequentially consistent: either the worker sees the
 * new round before it waits, or the caller sees the sleeper and wakes it. */
static void post(er_pool *pool) {
  atomic_fetch_add(&pool->round, 1);
  if (atomic_load(&pool->sleepers) == 0) return;
  pthread_mutex_lock(&pool->lock);
  pthread_cond_broadcast(&pool->posted);
  pthread_mutex_unlock(&pool->lock);
}

static bool start_workers(er_pool *pool) {
  for (int32_t i = 0; i < pool->threads - 1; i++) {
    worker *fresh = &pool->workers[i];
    *fresh = (worker){.pool = pool, .number = i + 1};
    if (pthread_create(&fresh->thread, NULL, serve, fresh) != 0) return false;
    pool->started++;
  }
  return true;
}

er_pool *er_pool_start(er_memory *memory, int32_t threads) {
  er_pool *pool = er_memory_take(memory, sizeof *pool);
  if (!pool) return NULL;
  pool->threads = threads;
  pool->workers = er_memory_array(memory, (size_t)threads, sizeof *pool->workers);
  if (!pool->workers || pthread_mutex_init(&pool->lock, NULL) != 0) return NULL;
  if (pthread_cond_init(&pool->posted, NULL) != 0) {
    pthread_mutex_destroy(&pool->lock);
    return NULL;
  }
  if (start_workers(pool)) return pool;
  er_pool_stop(pool);
  return NULL;
}

void er_pool_stop(er_pool *pool) {
  if (!pool) return;
  atomic_store(&pool->stop, true);
  post(pool);
  for (int32_t i = 0; i < pool->started; i++) pthread_join(pool->workers[i].thread, NULL);
  pthread_cond_destroy(&pool->posted);
  pthread_mutex_destroy(&pool->lock);
}

/* All workers must leave a round before the next is posted, so a part counts even when it is empty.
 */
static void wait_for_workers(er_pool *pool) {
  while (atomic_load_explicit(&pool->unfinished, memory_order_acquire) > 0) {
    for (int32_t i = 0; i < CLOCK_EVERY; i++) {
      if (atomic_load_explicit(&pool->unfinished, memory_order_acquire) == 0) return;
    }
    sched_yield();
  }
}

void er_pool_run(er_pool *pool, int32_t count, er_work work, void *arg) {
  pool->work = work;
  pool->arg = arg;
  pool->count = count;
  pool->parts = count < pool->threads ? count : pool->threads;
  if (pool->parts <= 1) {
    if (count > 0) work(arg, 0, count, 0);
    return;
  }
  atomic_store(&pool->unfinished, pool->started);
  post(pool);
  work_part(pool, 0);
  wait_for_workers(pool);
}
