/* A small pool of threads for loops that are split into equal static parts. */
#ifndef ER_THREADS_H
#define ER_THREADS_H

#include "memory.h"

typedef void (*er_work)(void *arg, int32_t first, int32_t last, int32_t thread);
typedef struct er_pool er_pool;

/** @param threads 1..64, the caller's own included
 * @return NULL when memory or a thread is refused */
er_pool *er_pool_start(er_memory *memory, int32_t threads);
/** Ends the threads; the memory is the er_memory's. Accepts NULL. */
void er_pool_stop(er_pool *pool);
/** Split [0, count) into one contiguous part a thread; returns when all parts are done. */
void er_pool_run(er_pool *pool, int32_t count, er_work work, void *arg);

#endif
