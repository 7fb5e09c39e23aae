#define _DEFAULT_SOURCE /* madvise */
#include "memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

#include "kernels/linear_kernels.h"

/* Small pieces are cut from blocks of this size; larger ones get a block of their own. */
enum { BLOCK_BYTES = 4096, HEADER_BYTES = ER_ALIGNMENT };
enum { PAGE_BYTES = 16384 /* or a part of it */, MANY_BYTES = 4 * PAGE_BYTES };

typedef struct er_block {
  struct er_block *next;
  size_t bytes; /* header included */
  size_t used;  /* header included */
} er_block;

/* Ask for all pages of a large block at once: a fault for each takes more than filling them. Where
 * the system cannot, they come one by one. */
static void touch_pages(void *memory, size_t bytes) {
#ifdef MADV_POPULATE_WRITE
  const uintptr_t start = ((uintptr_t)memory + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
  const uintptr_t end = ((uintptr_t)memory + bytes) / PAGE_BYTES * PAGE_BYTES;
  if (bytes >= MANY_BYTES) (void)madvise((void *)start, end - start, MADV_POPULATE_WRITE);
#else
  (void)memory, (void)bytes;
#endif
}

/* Zeroed, which costs nothing where the pages are new. What calloc returned stands before it. */
static void *system_allocate(void *context, size_t bytes) {
  (void)context;
  char *given = bytes <= SIZE_MAX - ER_ALIGNMENT ? calloc(1, bytes + ER_ALIGNMENT) : NULL;
  if (!given) return NULL;
  void **memory = (void **)(void *)(given + ER_ALIGNMENT - (uintptr_t)given % ER_ALIGNMENT);
  memory[-1] = given;
  touch_pages(memory, bytes);
  return memory;
}

static void system_release(void *context, void *memory) {
  (void)context;
  free(((void **)memory)[-1]);
}

er_memory er_memory_from(const edgert_allocator *allocator, size_t quota_bytes) {
  static const edgert_allocator from_system = {system_allocate, system_release, NULL};
  return (er_memory){.allocator = allocator ? *allocator : from_system, .quota_bytes = quota_bytes};
}

er_memory er_memory_beside(const er_memory *memory) {
  er_memory beside = er_memory_from(&memory->allocator, memory->quota_bytes);
  /* A quota of 0 means no limit, so an exhausted one is told apart by one byte. */
  if (beside.quota_bytes) {
    beside.quota_bytes -= memory->held_bytes;
    if (beside.quota_bytes == 0) beside.quota_bytes = 1;
  }
  return beside;
}

static er_block *add_block(er_memory *memory, size_t bytes) {
  memory->over_quota = memory->quota_bytes && bytes > memory->quota_bytes - memory->held_bytes;
  if (memory->over_quota) return NULL;
  er_block *block = memory->allocator.allocate(memory->allocator.context, bytes);
  if (!block) return NULL;
  if (memory->allocator.allocate != system_allocate) memset(block, 0, bytes);
  /* A block that its one piece fills goes behind the newest, which may still have room. */
  er_block **link = memory->blocks && bytes > BLOCK_BYTES ? &memory->blocks->next : &memory->blocks;
  *block = (er_block){.next = *link, .bytes = bytes, .used = HEADER_BYTES};
  *link = block;
  memory->held_bytes += bytes;
  return block;
}

void *er_memory_take(er_memory *memory, size_t bytes) {
  if (bytes > SIZE_MAX / 2) {
    memory->over_quota = memory->quota_bytes != 0;
    return NULL;
  }
  size_t needed = er_align_up(bytes ? bytes : 1);
  er_block *block = memory->blocks;
  if (!block || block->bytes - block->used < needed + ER_OVERREAD) {
    size_t fresh = needed + HEADER_BYTES + ER_OVERREAD;
    block = add_block(memory, fresh > BLOCK_BYTES ? fresh : BLOCK_BYTES);
    if (!block) return NULL;
  }
  void *piece = (char *)block + block->used;
  block->used += needed;
  return piece;
}

void *er_memory_array(er_memory *memory, size_t count, size_t element_bytes) {
  if (element_bytes && count > SIZE_MAX / 2 / element_bytes)
    return er_memory_take(memory, SIZE_MAX);
  return er_memory_take(memory, count * element_bytes);
}

void er_memory_release(er_memory *memory) {
  while (memory->blocks) {
    er_block *block = memory->blocks;
    memory->blocks = block->next;
    memory->allocator.release(memory->allocator.context, block);
  }
  memory->held_bytes = 0;
}

edgert_status er_memory_status(const er_memory *memory) {
  return memory->over_quota ? EDGERT_QUOTA : EDGERT_OUT_OF_MEMORY;
}
