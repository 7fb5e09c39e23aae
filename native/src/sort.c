/* Heapsort (Williams 1964, with Floyd's construction of the heap). */
#include "sort.h"

typedef struct er_heap {
  char *items;
  size_t count, bytes;
  int (*compare)(const void *left, const void *right);
} er_heap;

static char *item(const er_heap *h, size_t at) { return h->items + at * h->bytes; }

static void swap(const er_heap *h, size_t left, size_t right) {
  char *a = item(h, left), *b = item(h, right);
  for (size_t i = 0; i < h->bytes; i++) {
    const char kept = a[i];
    a[i] = b[i];
    b[i] = kept;
  }
}

/* Until no item below is larger. */
static void sink(const er_heap *h, size_t at) {
  for (size_t child; (child = 2 * at + 1) < h->count; at = child) {
    if (child + 1 < h->count && h->compare(item(h, child), item(h, child + 1)) < 0) child++;
    if (h->compare(item(h, at), item(h, child)) >= 0) return;
    swap(h, at, child);
  }
}

void er_sort(void *items, size_t count, size_t bytes,
             int (*compare)(const void *left, const void *right)) {
  er_heap heap = {items, count, bytes, compare};
  for (size_t at = count / 2; at > 0; at--) sink(&heap, at - 1);
  while (heap.count > 1) {
    swap(&heap, 0, --heap.count);
    sink(&heap, 0);
  }
}
