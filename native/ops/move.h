/* The run function of every operator that only moves elements, and how its prepare describes the
 * movement: begin copies, add their dimensions from outermost to innermost, finish. */
#ifndef ER_OPS_MOVE_H
#define ER_OPS_MOVE_H

#include "kernels/copy.h"
#include "op.h"

/** Give the node `count` copies (of rank 0, moving nothing yet).
 * @param[out] copies [count] zeroed */
edgert_status er_move_begin(er_plan *plan, er_node *node, int32_t count, er_copy **copies);

/** Let a copy go from an input to an output; the shape of both is final. */
void er_move_between(er_copy *copy, int32_t input, int32_t output, int64_t element_bytes);

/** Add a dimension inside those that are there.
 * @param count of elements along it; 1 is dropped
 * @param in_stride elements from one to the next in the input, 0 to repeat, < 0 to go back
 * @param out_stride the same in the output */
void er_move_along(er_copy *copy, int64_t count, int64_t in_stride, int64_t out_stride);

/** Join dimensions that are contiguous on both sides and take contiguous elements as one block. */
void er_move_finish(er_copy *copy);

/** The shape of all operators in this family: runs the node's copies. */
edgert_status er_move_run(const er_run *run, const er_node *node);

/** Run one copy on the session's threads. */
void er_move_once(const er_run *run, const er_copy *copy, void *out, const void *in);

#endif
