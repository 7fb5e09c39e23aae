/* What an operator is: a row of the table in ops/registry.c.
 *
 * An operator lives twice. `prepare` runs once, when a session is created: it checks everything
 * that can be wrong (types, shapes, quantization, options), declares the shape of its outputs,
 * packs what can be packed, and says how much scratch memory a run needs. `run` then holds no
 * checks, allocates nothing and cannot fail, but for values that only exist at run time (gather
 * indices).
 *
 * Prepare is called in execution order, so the shape of each input is final. An operator whose
 * inputs are all constant is run once by the planner right after its prepare and its outputs become
 * constants (float16 weights behind DEQUANTIZE, shape arithmetic); an operator with `folds` set is
 * folded so even when its inputs are not constant (SHAPE). */
#ifndef ER_OP_H
#define ER_OP_H

#include "flatbuffer.h"
#include "tensor.h"

typedef struct er_plan er_plan; /* private to src/plan.c */
typedef struct er_run er_run;   /* one execution; fields below */

typedef struct er_node {
  const struct er_op *op;
  int32_t index; /* position in its subgraph */
  int32_t input_count;
  int32_t output_count;
  int32_t intermediate_count;
  const int32_t *inputs;  /* [input_count] tensor numbers, -1: optional input left out */
  const int32_t *outputs; /* [output_count] tensor numbers */
  const int32_t
      *intermediates; /* [intermediate_count] tensor numbers: only their quantization counts */
  er_table options;   /* builtin options; readable in prepare only */
  int32_t version;
  int32_t subgraph;     /* number of the subgraph this node is in */
  void *data;           /* what prepare leaves for run (er_plan_alloc) */
  size_t scratch_bytes; /* set by prepare: 64-byte aligned memory that run gets */
  int64_t macs;         /* set by prepare */
  int32_t piece_count;
  const struct er_copy *pieces; /* [piece_count] set by prepare where all that run does is to move
                                   bytes; the planner may place tensors so that it need not */
  const char
      *kernel; /* set by prepare: static name of the chosen kernel; NULL: the op's own code */
} er_node;

typedef struct er_op {
  int32_t builtin; /* code in the TFLite schema */
  const char *name;
  edgert_status (*prepare)(er_plan *plan, er_node *node);
  edgert_status (*run)(const er_run *run, const er_node *node);
  bool folds;    /* outputs depend only on the inputs' shapes */
  bool in_place; /* output 0 may share memory with input 0 when both have the same byte size */
  bool alias;    /* output 0 IS input 0's bytes (RESHAPE, SQUEEZE, EXPAND_DIMS): the planner makes
                    them one; run is called only where it could not (constants, graph inputs) */
  bool effect;   /* writes state: never folded, never skipped */
} er_op;

/* --- for prepare ---------------------------------------------------------------------------- */

/** @return the tensor, or NULL when the input is left out (index -1) or beyond input_count. */
const er_tensor *er_plan_input(const er_plan *plan, const er_node *node, int32_t i);
const er_tensor *er_plan_output(const er_plan *plan, const er_node *node, int32_t i);
/** @return a tensor of the node's subgraph by its number, which is proven to exist. */
const er_tensor *er_plan_tensor(const er_plan *plan, const er_node *node, int32_t number);
const er_tensor *er_plan_intermediate(const er_plan *plan, const er_node *node, int32_t i);

/** Declare the shape of output i. Fails (MALFORMED) on a dim < 1, rank > 8 or an overflowing size.
 * The shape that the file declares is replaced. */
edgert_status er_plan_set_shape(er_plan *plan, const er_node *node, int32_t i, int32_t rank,
                                const int32_t *dims);

/** Memory that lives as long as the session, zeroed, 64-byte aligned, counted against the quota.
 * @return NULL when refused; prepare then returns er_plan_no_memory(plan). */
void *er_plan_alloc(er_plan *plan, size_t bytes);
/** The same, gone when the operator's prepare returns: for what packing needs on its way. */
void *er_plan_borrow(er_plan *plan, size_t bytes);
edgert_status er_plan_no_memory(er_plan *plan);

/** The kernels of this session; they live as long as it. */
const struct er_kernels *er_plan_kernels(const er_plan *plan);

/** Refuse: a printf-style sentence; the planner puts the operator's name, number and output before
 * it. Use MALFORMED for what no runtime could accept, UNSUPPORTED for what only we lack. */
edgert_status er_plan_fail(er_plan *plan, const er_node *node, edgert_status status,
                           const char *format, ...) __attribute__((format(printf, 4, 5)));

/** Short forms that fail with a full sentence. `types` is terminated by -1. */
edgert_status er_plan_want_counts(er_plan *plan, const er_node *node, int32_t min_inputs,
                                  int32_t max_inputs, int32_t outputs);
edgert_status er_plan_want_type(er_plan *plan, const er_node *node, const er_tensor *tensor,
                                const int32_t *types);

/** Threads that run may use (1..64): prepare sizes per-thread scratch with it. */
int32_t er_plan_threads(const er_plan *plan);

#define ER_TRY(call)                                      \
  do {                                                    \
    edgert_status er_try_status = (call);                 \
    if (er_try_status != EDGERT_OK) return er_try_status; \
  } while (0)

/* --- for run -------------------------------------------------------------------------------- */

struct er_run {
  struct edgert_session *session;
  const er_tensor *tensors; /* of this node's subgraph, by tensor number */
  void *const *data;        /* of this node's subgraph, by tensor number; constants too */
  void *scratch;            /* node->scratch_bytes, 64-byte aligned */
  const struct er_kernels *kernels;
  int32_t threads;
};

static inline const er_tensor *er_in(const er_run *run, const er_node *node, int32_t i) {
  return &run->tensors[node->inputs[i]];
}
static inline const er_tensor *er_out(const er_run *run, const er_node *node, int32_t i) {
  return &run->tensors[node->outputs[i]];
}
static inline const void *er_in_data(const er_run *run, const er_node *node, int32_t i) {
  return i < node->input_count && node->inputs[i] >= 0 ? run->data[node->inputs[i]] : NULL;
}
static inline void *er_out_data(const er_run *run, const er_node *node, int32_t i) {
  return run->data[node->outputs[i]];
}

/** Split [0, count) into `threads` contiguous static parts and run them; returns when all are done.
 * @param work called as work(arg, first, last, thread) with thread in [0, run->threads) */
void er_parallel(const er_run *run, int32_t count,
                 void (*work)(void *arg, int32_t first, int32_t last, int32_t thread), void *arg);

/** A value met at run time is out of range: sets the session's error. @return EDGERT_RUN_TIME */
edgert_status er_run_fail(const er_run *run, const er_node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* --- the table ------------------------------------------------------------------------------ */

extern const er_op *const er_ops[]; /* ends with NULL; ops/registry.c */
const er_op *er_find_op(int32_t builtin);

#endif
