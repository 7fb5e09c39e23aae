/* Shapes, axes and constant index tensors, as `prepare` needs them. */
#ifndef ER_OPS_SHAPE_H
#define ER_OPS_SHAPE_H

#include "op.h"

/** Refuse a tensor without whole bytes for each element (INT4, STRING, RESOURCE, VARIANT). */
edgert_status er_want_whole_bytes(er_plan *plan, const er_node *node, const er_tensor *tensor);

/** @return bytes of one element; only for tensors that er_want_whole_bytes accepts. */
int64_t er_element_bytes(const er_tensor *tensor);

/** Refuse tensors of unequal element types. */
edgert_status er_want_same_type(er_plan *plan, const er_node *node, const er_tensor *a,
                                const er_tensor *b);

/** Require a constant int32 or int64 tensor of at most ER_INDEX_MOST elements.
 * @param what its role in a sentence, e.g. "axis" */
#define ER_INDEX_MOST 64
edgert_status er_want_indices(er_plan *plan, const er_node *node, const er_tensor *tensor,
                              const char *what);

/** Require a constant int32 or int64 tensor of shape [count, 2]: paddings or crops. */
edgert_status er_want_pairs(er_plan *plan, const er_node *node, const er_tensor *tensor,
                            int32_t count);

/** @return element i of an int32 or int64 array. */
int64_t er_index_at(const void *data, edgert_type type, int64_t i);

/** @return element i of a tensor that er_want_indices or er_want_pairs accepted. */
int64_t er_constant_at(const er_tensor *tensor, int64_t i);

/** Check -rank <= value < rank and return it as 0 <= *axis < rank. */
edgert_status er_want_axis(er_plan *plan, const er_node *node, int64_t value, int32_t rank,
                           int32_t *axis);

/** The same for a constant scalar tensor. */
edgert_status er_want_axis_tensor(er_plan *plan, const er_node *node, const er_tensor *tensor,
                                  int32_t rank, int32_t *axis);

/** The same for a constant list of axes.
 * @param[out] chosen [rank] true for each axis in the list */
edgert_status er_want_axes(er_plan *plan, const er_node *node, const er_tensor *tensor,
                           int32_t rank, bool chosen[EDGERT_MAX_RANK]);

/** Product of dims[first, last). */
int64_t er_product(const er_tensor *tensor, int32_t first, int32_t last);

/** Row-major strides. @param[out] stride [rank] in elements */
void er_strides(const er_tensor *tensor, int64_t stride[EDGERT_MAX_RANK]);

/** Set output i to a shape given in 64 bits; refuses dims that do not fit int32. */
edgert_status er_set_shape_i64(er_plan *plan, const er_node *node, int32_t i, int32_t rank,
                               const int64_t *dims);

#endif
