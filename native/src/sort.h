#ifndef ER_SORT_H
#define ER_SORT_H

#include <stddef.h>

/** Like qsort, but without memory of its own, and equal items end in the same order wherever it
 * runs. zig's qsort alone would take 4 kB of a static edge-run.
 * @param items [count], each of `bytes` bytes
 * @param compare < 0, 0 or > 0 as `left` belongs before, beside or behind `right` */
void er_sort(void *items, size_t count, size_t bytes,
             int (*compare)(const void *left, const void *right));

#endif
