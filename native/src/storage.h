/* Private to storage.c and views.c: which tensors share bytes, and how long the bytes live.
 *
 * Time is counted in steps: 0 before the first node, i + 1 at node i, node_count + 1 after the
 * last. A `root` is the tensor that stands for all that share its bytes. */
#ifndef ER_STORAGE_H
#define ER_STORAGE_H

#include "plan.h"

enum { NO_ROOT = -1 };
enum { FROM_CALLER = 1, TO_CALLER = 2 };

typedef struct storage {
  er_graph *graph;
  int32_t count;   /* tensors */
  int32_t end;     /* the last step */
  int32_t *roots;  /* [count]; NO_ROOT: constant, variable or not used */
  size_t *offsets; /* [count] bytes from the root's first */
  int32_t *first;  /* [count] step that writes; of a root: of all that share */
  int32_t *last;   /* [count] last step that reads or writes; of a root: of all that share */
  uint8_t *ends;   /* [count] bits FROM_CALLER, TO_CALLER; of a root: of all that share */
} storage;

/** Let `tensor`, which has no bytes of its own yet, be part of root's, `offset` from its first. */
void er_share(storage *s, int32_t root, size_t offset, int32_t tensor);

/** Where all that a node does is to cut its input into contiguous pieces, or to join pieces into
 * one output, let the pieces lie in the whole.
 * @return whether the node need not run */
bool er_view(storage *s, const er_node *node);

#endif
