/* A verified model file: what stands in it, copied out of its tables, every number checked.
 * A model never changes after verification, so sessions in any threads may share it. */
#ifndef ER_MODEL_H
#define ER_MODEL_H

#include "flatbuffer.h"
#include "memory.h"
#include "message.h"
#include "tensor.h"

/* Numbers of tensors; -1 stands for an optional input that is left out. */
typedef struct er_indices {
  int32_t count;
  const int32_t *at; /* [count] */
} er_indices;

typedef struct er_operator {
  int32_t builtin;    /* code in the schema; may be one that the schema does not have */
  const char *custom; /* name of a custom operator, else "" */
  int32_t version;
  int32_t index; /* in the file's list */
  er_indices inputs;
  er_indices outputs;
  er_indices intermediates;
  er_table options; /* to be read through a buffer of one's own: reading sets its `bad` flag */
} er_operator;

typedef struct er_subgraph {
  const char *name;
  int32_t tensor_count;
  int32_t operator_count;
  const er_tensor *tensors;     /* [tensor_count] as the file declares them */
  const er_operator *operators; /* [operator_count] in execution order */
  er_indices inputs;
  er_indices outputs;
} er_subgraph;

struct edgert_model {
  er_memory memory;
  er_buffer file;
  void *mapping; /* what munmap gets, else NULL */
  int32_t subgraph_count;
  const er_subgraph *subgraphs; /* [subgraph_count], 0 is the main one */
};

/** Fill model->subgraphs from model->file.
 * @return EDGERT_MALFORMED, EDGERT_UNSUPPORTED or EDGERT_OUT_OF_MEMORY with a sentence in `why` */
edgert_status er_verify(edgert_model *model, er_message *why);

#endif
