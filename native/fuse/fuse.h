/* Fusing: nodes that hand their results straight to one another become one node, which keeps the
 * results in cache. The numbers are those of the single operators, bit for bit: a fused node runs
 * the same kernels on parts of the same tensors. One pattern a file; fuse.c has the table. */
#ifndef ER_FUSE_H
#define ER_FUSE_H

#include "ops/conv.h"
#include "ops/dwconv_lines.h"
#include "plan.h"

enum { ER_NOBODY = -1, ER_SEVERAL = -2 };

/* Who makes and who takes each tensor of a graph. */
typedef struct er_links {
  er_graph *graph;
  int32_t *producer; /* [tensors] position of a node, or ER_NOBODY */
  int32_t *consumer; /* [tensors] position of the only node that reads it, once; or ER_NOBODY, or
                        ER_SEVERAL (also when the caller reads it) */
} er_links;

/* A pattern looks at the node at `position` and may replace it and others: it rewrites the last
 * node of the group and clears `op` of the rest. Sets *fused when it did. */
typedef edgert_status (*er_pattern)(er_plan *plan, const er_links *links, int32_t position,
                                    bool *fused);

edgert_status er_fuse_norm(er_plan *plan, const er_links *links, int32_t position, bool *fused);
edgert_status er_fuse_function(er_plan *plan, const er_links *links, int32_t position, bool *fused);
edgert_status er_fuse_activation(er_plan *plan, const er_links *links, int32_t position,
                                 bool *fused);
edgert_status er_fuse_padding(er_plan *plan, const er_links *links, int32_t position, bool *fused);
edgert_status er_fuse_block(er_plan *plan, const er_links *links, int32_t position, bool *fused);
edgert_status er_fuse_residual(er_plan *plan, const er_links *links, int32_t position, bool *fused);

/** @return the node that alone takes output 0 of `node`, or NULL. */
er_node *er_only_consumer(const er_links *links, const er_node *node);
/** @return the node that makes tensor `tensor` for one consumer alone, or NULL. */
er_node *er_only_producer(const er_links *links, int32_t tensor);

/** Give `last` other inputs.  @param inputs [count] tensor numbers, copied */
edgert_status er_take_inputs(er_plan *plan, er_node *last, int32_t count, const int32_t *inputs);

/* The node that a group becomes. */
typedef struct er_group {
  er_node *const *members; /* [member_count] in execution order; NULL: left out */
  int32_t member_count;
  edgert_status (*run)(const er_run *run, const er_node *node);
  int32_t input_count;
  const int32_t *inputs; /* [input_count] tensor numbers */
  bool in_place;         /* the result may lie where input 0 does */
  void *data;
  size_t thread_bytes; /* scratch of one thread */
} er_group;

/** Make the last member the fused node and clear the others. */
edgert_status er_merge(er_plan *plan, const er_group *group);

/* An elementwise operator on a result, done strip by strip: with another tensor of the same shape,
 * or by a table. */
typedef struct er_tail {
  const struct er_binary_plan *binary; /* NULL: no other tensor */
  int32_t other;                       /* tensor number of the other operand, -1 without */
  bool ours_first;                     /* our result is input 0 */
  const uint8_t *table;                /* [256] results by the stored byte; NULL: no table */
  void (*lookup)(const uint8_t *table, int64_t count, const uint8_t *input, uint8_t *output);
} er_tail;

static inline bool er_has_tail(const er_tail *tail) { return tail->binary || tail->table; }
/** @return the elementwise node that alone takes the result of `node`, or NULL. */
er_node *er_tail_after(er_plan *plan, const er_links *links, const er_node *node, er_tail *tail);
/** output[i] = op of ours[i] and other[i], in the operator's order.
 * @param ours,output [count]
 * @param other [count], NULL without */
void er_tail_run(const er_tail *tail, int32_t count, const void *ours, const void *other,
                 void *output);

#endif
