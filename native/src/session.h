/* A session: one model with the memory to run it. Private to the engine and to ops/control.c. */
#ifndef ER_SESSION_H
#define ER_SESSION_H

#include "kernels/kernels.h"
#include "model.h"
#include "op.h"
#include "threads.h"

typedef enum er_stage { ER_UNPLANNED, ER_PLANNING, ER_PLANNED } er_stage;

/* A planned subgraph. */
typedef struct er_graph {
  const er_subgraph *source;
  er_stage stage;
  bool called; /* by CALL_ONCE, since the last reset */
  int32_t node_count;
  er_node *nodes;       /* [node_count] those that run: not folded, not aliased */
  er_tensor *tensors;   /* [source->tensor_count] */
  void **data;          /* [source->tensor_count] */
  void **scratch;       /* [node_count] */
  int64_t *nanoseconds; /* [node_count] of the last run */
} er_graph;

/* A resource variable: what VAR_HANDLE names. Its bytes are NULL until its shape is known. */
typedef struct er_variable {
  struct er_variable *next;
  int32_t number;
  const char *container;
  const char *name;
  er_tensor shape; /* type, rank, dims, count and bytes hold */
  void *data;      /* [shape.bytes] */
} er_variable;

/* Bytes that a reset sets back to their start. */
typedef struct er_state {
  struct er_state *next;
  void *data; /* [bytes] */
  size_t bytes;
  uint8_t start; /* each byte's value: an int8 state starts at real zero, its zero point */
} er_state;

struct edgert_session {
  const edgert_model *model;
  er_memory memory;
  er_kernels kernels;
  er_buffer file; /* the model's, with a `bad` flag of our own */
  int32_t threads;
  bool profile;
  bool unfused;
  er_pool *pool;    /* NULL when threads is 1 */
  er_graph *graphs; /* [model->subgraph_count] */
  er_variable *variables;
  er_state *states;
  size_t arena_bytes; /* of all graphs */
  er_message error;
};

/** Plan the main subgraph and all that it calls. */
edgert_status er_plan_session(edgert_session *session, er_message *why);
/** Run the nodes of a planned subgraph. */
edgert_status er_graph_run(edgert_session *session, er_graph *graph);

#endif
