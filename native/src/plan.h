/* Private to the planner and to ops/control.c, whose operators call subgraphs and own variables. */
#ifndef ER_PLAN_H
#define ER_PLAN_H

#include "session.h"

struct er_plan {
  edgert_session *session;
  er_message *why;
  er_memory scratch;  /* gone when planning ends */
  er_memory borrowed; /* gone when an operator is prepared */
  int32_t depth;      /* of subgraphs that call subgraphs */
};

/** Session memory whose bytes are `start` at first and after a reset. @return NULL when refused */
void *er_plan_state(er_plan *plan, size_t bytes, uint8_t start);
/** Refuse a tensor that has no elements or no plain storage. */
edgert_status er_plan_storable(er_plan *plan, const er_tensor *tensor);
/** Plan subgraph `number` with the shapes of the node's inputs from `first` on; a subgraph that is
 * planned already must fit them.
 * @param[out] graph untouched on failure */
edgert_status er_plan_call(er_plan *plan, const er_node *node, int32_t number, int32_t first,
                           er_graph **graph);

/* to_int8.c: let uint8 activations be int8.
 * @param subgraph the file's; replaced where there are such */
edgert_status er_move_to_int8(er_plan *plan, const er_subgraph **subgraph);
/* storage.c: alias and in-place decisions, lifetimes, one arena for the graph. Drops the nodes that
 * became aliases. */
edgert_status er_plan_storage(er_plan *plan, er_graph *graph);
/* fuse/: nodes that hand results straight to one another become one. */
edgert_status er_fuse(er_plan *plan, er_graph *graph);
/* missing.c */
edgert_status er_plan_refuse_missing(er_plan *plan);

#endif
