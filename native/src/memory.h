/* Memory that is taken piece by piece and given back at once. It comes from the caller's allocator
 * and is held to the caller's quota. */
#ifndef ER_MEMORY_H
#define ER_MEMORY_H

#include <stdbool.h>

#include "edgert.h"

enum { ER_ALIGNMENT = 64 };

struct er_block;

typedef struct er_memory {
  edgert_allocator allocator;
  size_t quota_bytes; /* most that may be held; 0: no limit */
  size_t held_bytes;
  struct er_block *blocks; /* newest first */
  bool over_quota;         /* the last refusal was the quota's, not the allocator's */
} er_memory;

/** @param allocator NULL: the C library's */
er_memory er_memory_from(const edgert_allocator *allocator, size_t quota_bytes);
/** An empty memory that may hold what `memory` has left; it must not outlive the next take. */
er_memory er_memory_beside(const er_memory *memory);
/** @return zeroed bytes, 64-byte aligned, or NULL */
void *er_memory_take(er_memory *memory, size_t bytes);
/** As er_memory_take, for `count` elements; NULL also when the product overflows. */
void *er_memory_array(er_memory *memory, size_t count, size_t element_bytes);
void er_memory_release(er_memory *memory);
/** @return EDGERT_QUOTA or EDGERT_OUT_OF_MEMORY, whichever the last refusal was. */
edgert_status er_memory_status(const er_memory *memory);

static inline size_t er_align_up(size_t bytes) {
  return (bytes + ER_ALIGNMENT - 1) & ~(size_t)(ER_ALIGNMENT - 1);
}

#endif
