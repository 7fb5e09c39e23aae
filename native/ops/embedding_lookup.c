/* EMBEDDING_LOOKUP: rows of a table, named by indices. Rows of int8 or int4 may be asked for as
 * float32: scale * (q - zero point), with a scale per tensor, per row or per block of a row. */
#include <math.h>
#include <string.h>

#include "linear.h"
#include "shape.h"

typedef struct er_embedding {
  int64_t rows;  /* of the table: what an index may name */
  int64_t width; /* values of a row */
  int64_t count; /* indices */
  int64_t block; /* neighbours in a row that share a scale */
  const uint16_t *half; /* [rows, width / block] scales of blocks as float16, else NULL */
  const float *real;    /* the same as float32, else NULL */
} er_embedding;

/* ---- planning -------------------------------------------------------------------------------- */

static edgert_status want_whole_scales(er_plan *plan, const er_node *node,
                                       const er_tensor *table) {
  const er_quant *quant = &table->quant;
  if (quant->count == 1 || (quant->count == table->dims[0] && quant->axis == 0)) return EDGERT_OK;
  return er_plan_fail(plan, node, EDGERT_UNSUPPORTED,
                      "its table '%s' has %d scales; allowed are 1 and one for each row",
                      table->name, (int)quant->count);
}

static edgert_status want_block_scales(er_plan *plan, const er_node *node, const er_tensor *table,
                                       er_embedding *embedding) {
  const er_tensor *scales = er_plan_tensor(plan, node, table->quant.block_scales);
  const int32_t types[] = {EDGERT_FLOAT16, EDGERT_FLOAT32, -1};
  embedding->block = table->quant.block;
  ER_TRY(er_plan_want_type(plan, node, scales, types));
  ER_TRY(er_want_constant(plan, node, scales, "scales"));
  const int64_t blocks = table->count / embedding->block;
  if (embedding->width % embedding->block != 0 || scales->count != blocks) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED,
                        "has %lld scales for blocks of %lld in rows of %lld values",
                        (long long)scales->count, (long long)embedding->block,
                        (long long)embedding->width);
  }
  if (scales->type == EDGERT_FLOAT16) embedding->half = scales->constant;
  if (scales->type == EDGERT_FLOAT32) embedding->real = scales->constant;
  return EDGERT_OK;
}

static edgert_status want_table(er_plan *plan, const er_node *node, const er_tensor *table,
                                er_embedding *embedding) {
  const er_tensor *output = er_plan_output(plan, node, 0);
  const bool integers = table->type == EDGERT_INT8 || table->type == EDGERT_INT4;
  if (!integers || output->type != EDGERT_FLOAT32) {
    ER_TRY(er_want_whole_bytes(plan, node, table));
    return er_want_same_type(plan, node, table, output);
  }
  if (table->quant.block > 0) return want_block_scales(plan, node, table, embedding);
  return want_whole_scales(plan, node, table);
}

static edgert_status prepare_embedding(er_plan *plan, er_node *node) {
  int32_t dims[EDGERT_MAX_RANK];
  const int32_t index_types[] = {EDGERT_INT32, EDGERT_INT64, -1};
  ER_TRY(er_plan_want_counts(plan, node, 2, 2, 1));
  const er_tensor *index = er_plan_input(plan, node, 0), *table = er_plan_input(plan, node, 1);
  ER_TRY(er_plan_want_type(plan, node, index, index_types));
  if (index->rank != 1 || table->rank < 2) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED,
                        "takes indices of rank 1 and a table of rank 2 or more, not %d and %d",
                        (int)index->rank, (int)table->rank);
  }
  er_embedding *embedding = er_plan_alloc(plan, sizeof *embedding);
  if (embedding == NULL) return er_plan_no_memory(plan);
  const int64_t width = er_product(table, 1, table->rank);
  *embedding = (er_embedding){table->dims[0], width, index->count, width, NULL, NULL};
  ER_TRY(want_table(plan, node, table, embedding));
  dims[0] = index->dims[0];
  for (int32_t d = 1; d < table->rank; ++d) dims[d] = table->dims[d];
  node->data = embedding;
  return er_plan_set_shape(plan, node, 0, table->rank, dims);
}

/* ---- running --------------------------------------------------------------------------------- */

static float scale_at(const er_embedding *embedding, const er_quant *quant, int64_t row,
                      int64_t block) {
  const int64_t at = row * (embedding->width / embedding->block) + block;
  float scale = 0.0f;
  if (embedding->real != NULL) return embedding->real[at];
  if (embedding->half == NULL) return quant->scale[quant->count > 1 ? row : 0];
  er_half_to_float(1, embedding->half + at, &scale);
  return scale;
}

/* One row: `width` values, `bits` each, from value number row * width on. */
static void widen_row(const er_embedding *embedding, const er_tensor *table, const void *data,
                      int64_t row, float *output) {
  const er_quant *quant = &table->quant;
  const int8_t *bytes = data;
  const uint8_t *nibbles = data;
  const int64_t first = row * embedding->width;
  const int32_t zero = quant->count ? quant->zero_point[quant->count > 1 ? row : 0] : 0;
  for (int64_t b = 0; b < embedding->width / embedding->block; ++b) {
    const float scale = scale_at(embedding, quant, row, b);
    for (int64_t j = b * embedding->block; j < (b + 1) * embedding->block; ++j) {
      const int64_t at = first + j;
      int32_t q = table->type == EDGERT_INT8 ? bytes[at] : nibbles[at / 2] >> 4 * (at % 2) & 15;
      if (table->type == EDGERT_INT4) q = (q ^ 8) - 8;
      output[j] = scale * (float)(q - zero);
    }
  }
}

static edgert_status run_embedding(const er_run *run, const er_node *node) {
  const er_embedding *embedding = node->data;
  const er_tensor *table = er_in(run, node, 1), *result = er_out(run, node, 0);
  const uint8_t *data = er_in_data(run, node, 1);
  uint8_t *output = er_out_data(run, node, 0);
  const int64_t bytes = (int64_t)result->bytes / embedding->count; /* of a row of the output */
  for (int64_t i = 0; i < embedding->count; ++i) {
    const int64_t row = er_index_at(er_in_data(run, node, 0), er_in(run, node, 0)->type, i);
    if (row < 0 || row >= embedding->rows) {
      return er_run_fail(run, node, "index %lld is outside [0, %lld)", (long long)row,
                         (long long)embedding->rows);
    }
    if (table->type == result->type) memcpy(output, data + row * bytes, (size_t)bytes);
    else widen_row(embedding, table, data, row, (float *)(void *)output);
    output += bytes;
  }
  return EDGERT_OK;
}

const er_op er_op_embedding_lookup = {
    .builtin = 7, .name = "EMBEDDING_LOOKUP", .prepare = prepare_embedding, .run = run_embedding};
