/* SPACE_TO_BATCH_ND, BATCH_TO_SPACE_ND: every b-th pixel of a (padded) image becomes an image of
 * its own, or the way back. One strided copy moves the pixels of one offset within the blocks. */
#include <string.h>

#include "move.h"
#include "shape.h"

#define ER_BLOCK_MOST 1024

/* `image` is the tensor with the large images, `parts` the one with block_count times the batch. */
typedef struct er_blocks {
  int32_t spatial; /* number of spatial dimensions */
  int64_t count;   /* product of block */
  int64_t block[EDGERT_MAX_RANK];
  int64_t before[EDGERT_MAX_RANK]; /* padding or cropping at the start */
  int64_t after[EDGERT_MAX_RANK];
} er_blocks;

static edgert_status read_blocks(er_plan *plan, const er_node *node, er_blocks *blocks) {
  ER_TRY(er_plan_want_counts(plan, node, 3, 3, 1));
  const er_tensor *input = er_plan_input(plan, node, 0);
  const er_tensor *block = er_plan_input(plan, node, 1), *edges = er_plan_input(plan, node, 2);
  ER_TRY(er_want_whole_bytes(plan, node, input));
  ER_TRY(er_want_same_type(plan, node, input, er_plan_output(plan, node, 0)));
  ER_TRY(er_want_indices(plan, node, block, "block shape"));
  if (block->count < 1 || block->count >= input->rank) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED,
                        "has %lld block sizes for an input of rank %d", (long long)block->count,
                        (int)input->rank);
  }
  blocks->spatial = (int32_t)block->count;
  blocks->count = 1;
  ER_TRY(er_want_pairs(plan, node, edges, blocks->spatial));
  for (int32_t i = 0; i < blocks->spatial; ++i) {
    blocks->block[i] = er_constant_at(block, i);
    blocks->before[i] = er_constant_at(edges, 2 * i);
    blocks->after[i] = er_constant_at(edges, 2 * i + 1);
    if (blocks->block[i] < 1 || blocks->block[i] > ER_BLOCK_MOST / blocks->count) {
      return er_plan_fail(plan, node, EDGERT_UNSUPPORTED,
                          "block size %lld: allowed are sizes from 1 with a product of at most %d",
                          (long long)blocks->block[i], ER_BLOCK_MOST);
    }
    blocks->count *= blocks->block[i];
  }
  return EDGERT_OK;
}

/* Let `copy` move the pixels at offset number k within the blocks: out of the image when `apart`,
 * else back into it. */
static void copy_offset(er_copy *copy, const er_blocks *blocks, const er_tensor *image,
                        const er_tensor *parts, int64_t k, bool apart) {
  int64_t image_stride[EDGERT_MAX_RANK], parts_stride[EDGERT_MAX_RANK];
  const int64_t batch = image->dims[0], bytes = er_element_bytes(image);
  int64_t offset = k, image_at = 0, parts_at, left = blocks->count;
  bool empty = false;
  er_strides(image, image_stride);
  er_strides(parts, parts_stride);
  parts_at = k * batch * parts_stride[0];
  er_move_between(copy, 0, 0, bytes);
  er_move_along(copy, batch, apart ? image_stride[0] : parts_stride[0],
                apart ? parts_stride[0] : image_stride[0]);
  for (int32_t i = 0; i < blocks->spatial; ++i) {
    const int64_t b = blocks->block[i], size = image->dims[i + 1];
    left /= b;
    /* pixel p of the part is pixel p * b - lead of the image; keep those that lie inside */
    const int64_t lead = blocks->before[i] - offset / left;
    const int64_t first = lead > 0 ? (lead + b - 1) / b : 0;
    const int64_t inside = (size - 1 + lead) / b + 1;
    const int64_t last = size - 1 + lead < 0           ? 0
                         : inside < parts->dims[i + 1] ? inside
                                                       : parts->dims[i + 1];
    const int64_t wide = b * image_stride[i + 1], narrow = parts_stride[i + 1];
    offset %= left;
    empty = empty || last <= first;
    image_at += (first * b - lead) * image_stride[i + 1];
    parts_at += first * narrow;
    er_move_along(copy, last - first, apart ? wide : narrow, apart ? narrow : wide);
  }
  er_move_along(copy, er_product(image, blocks->spatial + 1, image->rank), 1, 1);
  if (empty) {
    copy->rank = 1;
    copy->dims[0] = 0;
    return;
  }
  copy->in_offset = (apart ? image_at : parts_at) * bytes;
  copy->out_offset = (apart ? parts_at : image_at) * bytes;
  er_move_finish(copy);
}

static edgert_status describe(er_plan *plan, er_node *node, const er_blocks *blocks,
                              const int64_t *dims, bool apart) {
  er_copy *copies = NULL;
  const er_tensor *input = er_plan_input(plan, node, 0);
  const er_tensor *output = er_plan_output(plan, node, 0);
  ER_TRY(er_set_shape_i64(plan, node, 0, input->rank, dims));
  ER_TRY(er_move_begin(plan, node, (int32_t)blocks->count, &copies));
  for (int64_t k = 0; k < blocks->count; ++k) {
    copy_offset(&copies[k], blocks, apart ? input : output, apart ? output : input, k, apart);
  }
  return EDGERT_OK;
}

static edgert_status prepare_apart(er_plan *plan, er_node *node) {
  er_blocks blocks;
  int64_t dims[EDGERT_MAX_RANK];
  ER_TRY(read_blocks(plan, node, &blocks));
  const er_tensor *input = er_plan_input(plan, node, 0);
  for (int32_t d = 0; d < input->rank; ++d) dims[d] = input->dims[d];
  dims[0] *= blocks.count;
  for (int32_t i = 0; i < blocks.spatial; ++i) {
    const int64_t before = blocks.before[i], after = blocks.after[i], b = blocks.block[i];
    const bool fits = before >= 0 && after >= 0 && before <= INT32_MAX && after <= INT32_MAX;
    if (!fits || (dims[i + 1] + before + after) % b != 0) {
      return er_plan_fail(plan, node, EDGERT_MALFORMED,
                          "cannot cut %lld + %lld + %lld elements into blocks of %lld",
                          (long long)before, (long long)dims[i + 1], (long long)after,
                          (long long)b);
    }
    dims[i + 1] = (dims[i + 1] + before + after) / b;
  }
  return describe(plan, node, &blocks, dims, true);
}

static edgert_status prepare_together(er_plan *plan, er_node *node) {
  er_blocks blocks;
  int64_t dims[EDGERT_MAX_RANK];
  ER_TRY(read_blocks(plan, node, &blocks));
  const er_tensor *input = er_plan_input(plan, node, 0);
  for (int32_t d = 0; d < input->rank; ++d) dims[d] = input->dims[d];
  if (dims[0] % blocks.count != 0) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED, "cannot share a batch of %lld among %lld",
                        (long long)dims[0], (long long)blocks.count);
  }
  dims[0] /= blocks.count;
  for (int32_t i = 0; i < blocks.spatial; ++i) {
    const int64_t whole = dims[i + 1] * blocks.block[i];
    if (blocks.before[i] < 0 || blocks.after[i] < 0 || blocks.before[i] >= whole ||
        blocks.after[i] >= whole - blocks.before[i]) {
      return er_plan_fail(plan, node, EDGERT_MALFORMED,
                          "cannot crop %lld and %lld of %lld elements", (long long)blocks.before[i],
                          (long long)blocks.after[i], (long long)whole);
    }
    dims[i + 1] = whole - blocks.before[i] - blocks.after[i];
  }
  return describe(plan, node, &blocks, dims, false);
}

/* The padding is real 0. */
static edgert_status run_apart(const er_run *run, const er_node *node) {
  const er_tensor *output = er_out(run, node, 0);
  const bool bytes = output->type == EDGERT_INT8 || output->type == EDGERT_UINT8;
  const int32_t zero = bytes && output->quant.count > 0 ? output->quant.zero_point[0] : 0;
  memset(er_out_data(run, node, 0), zero, output->bytes);
  return er_move_run(run, node);
}

const er_op er_op_space_to_batch_nd = {
    .builtin = 38, .name = "SPACE_TO_BATCH_ND", .prepare = prepare_apart, .run = run_apart};
const er_op er_op_batch_to_space_nd = {
    .builtin = 37, .name = "BATCH_TO_SPACE_ND", .prepare = prepare_together, .run = er_move_run};
