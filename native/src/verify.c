/* From the bytes of a file to an immutable er_model: the file, its lists and its subgraphs. */
#include "verify.h"

#include <string.h>

#include "op.h"
#include "schema.h"

/* A description takes about 20 times the bytes of its tables. */
enum { MOST_BYTES_PER_FILE_BYTE = 64, MOST_OPERATORS = 65536 };

void *er_verify_take(er_verifier *verifier, uint64_t count, size_t element_bytes) {
  er_memory *memory = &verifier->model->memory;
  if (count > SIZE_MAX / 2 / element_bytes) return NULL;
  return er_memory_take(memory, (size_t)count * element_bytes);
}

edgert_status er_verify_refused(er_verifier *verifier) {
  if (verifier->model->memory.over_quota) {
    return er_say(verifier->why, EDGERT_MALFORMED,
                  "the file's tables overlap: reading it would take over %d times its size",
                  MOST_BYTES_PER_FILE_BYTE);
  }
  return er_say(verifier->why, EDGERT_OUT_OF_MEMORY, "no memory to describe the model");
}

edgert_status er_verify_reads(er_verifier *verifier) {
  if (!verifier->model->file.bad) return EDGERT_OK;
  return er_say(verifier->why, EDGERT_MALFORMED,
                "the file is damaged or cut short: a table, vector or string in it leaves its %zu "
                "bytes",
                verifier->model->file.bytes);
}

edgert_status er_verify_indices(er_verifier *verifier, er_table table, int slot,
                                er_indices *indices) {
  er_vector vector = er_vec(table, slot, sizeof(int32_t));
  ER_TRY(er_verify_reads(verifier));
  if (vector.count == 0) return EDGERT_OK;
  int32_t *copy = er_verify_take(verifier, vector.count, sizeof *copy);
  if (!copy) return er_verify_refused(verifier);
  memcpy(copy, vector.buffer->data + vector.at, vector.count * sizeof *copy);
  *indices = (er_indices){(int32_t)vector.count, copy};
  return EDGERT_OK;
}

static edgert_status verify_ends(er_verifier *verifier, const char *which, er_indices ends,
                                 int32_t tensors) {
  for (int32_t i = 0; i < ends.count; i++) {
    if (ends.at[i] < 0 || ends.at[i] >= tensors) {
      return er_say(verifier->why, EDGERT_MALFORMED,
                    "%s %d of subgraph %d is tensor %d, but there are %d tensors", which, i,
                    verifier->subgraph, ends.at[i], tensors);
    }
  }
  return EDGERT_OK;
}

static edgert_status verify_tensors(er_verifier *verifier, er_table table, er_subgraph *subgraph) {
  er_vector tables = er_vec(table, ER_SUBGRAPH_TENSORS, 4);
  ER_TRY(er_verify_reads(verifier));
  er_tensor *tensors = er_verify_take(verifier, tables.count, sizeof *tensors);
  if (!tensors) return er_verify_refused(verifier);
  subgraph->tensor_count = verifier->tensor_count = (int32_t)tables.count;
  for (uint32_t i = 0; i < tables.count; i++) {
    ER_TRY(er_verify_tensor(verifier, er_vec_table(tables, i), (int32_t)i, &tensors[i]));
  }
  subgraph->tensors = tensors;
  return EDGERT_OK;
}

static edgert_status verify_operators(er_verifier *verifier, er_table table,
                                      er_subgraph *subgraph) {
  er_vector tables = er_vec(table, ER_SUBGRAPH_OPERATORS, 4);
  ER_TRY(er_verify_reads(verifier));
  if (tables.count > MOST_OPERATORS) {
    return er_say(verifier->why, EDGERT_UNSUPPORTED,
                  "subgraph %d has %u operators; this library takes at most %d", verifier->subgraph,
                  tables.count, MOST_OPERATORS);
  }
  er_operator *operators = er_verify_take(verifier, tables.count, sizeof *operators);
  if (!operators) return er_verify_refused(verifier);
  for (uint32_t i = 0; i < tables.count; i++) {
    ER_TRY(er_verify_operator(verifier, er_vec_table(tables, i), (int32_t)i, &operators[i]));
  }
  subgraph->operators = operators;
  subgraph->operator_count = (int32_t)tables.count;
  return EDGERT_OK;
}

static edgert_status verify_subgraph(er_verifier *verifier, er_table table, er_subgraph *subgraph) {
  subgraph->name = er_string(table, ER_SUBGRAPH_NAME);
  ER_TRY(verify_tensors(verifier, table, subgraph));
  ER_TRY(er_verify_indices(verifier, table, ER_SUBGRAPH_INPUTS, &subgraph->inputs));
  ER_TRY(er_verify_indices(verifier, table, ER_SUBGRAPH_OUTPUTS, &subgraph->outputs));
  ER_TRY(verify_ends(verifier, "input", subgraph->inputs, subgraph->tensor_count));
  ER_TRY(verify_ends(verifier, "output", subgraph->outputs, subgraph->tensor_count));
  ER_TRY(verify_operators(verifier, table, subgraph));
  return er_verify_flow(verifier, subgraph);
}

static edgert_status verify_subgraphs(er_verifier *verifier, er_table root) {
  edgert_model *model = verifier->model;
  er_vector tables = er_vec(root, ER_MODEL_SUBGRAPHS, 4);
  ER_TRY(er_verify_reads(verifier));
  if (tables.count == 0) {
    return er_say(verifier->why, EDGERT_MALFORMED, "the model has no subgraph");
  }
  er_subgraph *subgraphs = er_verify_take(verifier, tables.count, sizeof *subgraphs);
  if (!subgraphs) return er_verify_refused(verifier);
  for (uint32_t i = 0; i < tables.count; i++) {
    verifier->subgraph = (int32_t)i;
    ER_TRY(verify_subgraph(verifier, er_vec_table(tables, i), &subgraphs[i]));
  }
  model->subgraphs = subgraphs;
  model->subgraph_count = (int32_t)tables.count;
  return EDGERT_OK;
}

static edgert_status verify_metadata(er_verifier *verifier, er_table root) {
  er_vector tables = er_vec(root, ER_MODEL_METADATA, 4);
  for (uint32_t i = 0; i < tables.count; i++) {
    er_table entry = er_vec_table(tables, i);
    uint32_t buffer = er_u32(entry, ER_METADATA_BUFFER, 0);
    if (buffer >= verifier->buffers.count && !entry.buffer->bad) {
      return er_say(verifier->why, EDGERT_MALFORMED,
                    "metadata \"%.60s\" is in buffer %u, but there are %u buffers",
                    er_string(entry, ER_METADATA_NAME), buffer, verifier->buffers.count);
    }
  }
  return er_verify_reads(verifier);
}

static edgert_status verify_header(er_verifier *verifier) {
  const er_buffer *file = &verifier->model->file;
  if (file->bytes < 8) {
    return er_say(verifier->why, EDGERT_MALFORMED,
                  "the model has %zu bytes; a .tflite file has at least 8", file->bytes);
  }
  if (memcmp(file->data + 4, "TFL3", 4) != 0) {
    return er_say(verifier->why, EDGERT_MALFORMED,
                  "bytes 4 to 7 are not \"TFL3\": this is not a .tflite file");
  }
  return EDGERT_OK;
}

static edgert_status verify_root(er_verifier *verifier) {
  er_table root = er_root(&verifier->model->file);
  uint32_t version = er_u32(root, ER_MODEL_VERSION, 0);
  ER_TRY(er_verify_reads(verifier));
  if (version != ER_SCHEMA_VERSION) {
    return er_say(verifier->why, EDGERT_MALFORMED, "the schema version is %u; it must be %d",
                  version, ER_SCHEMA_VERSION);
  }
  verifier->buffers = er_vec(root, ER_MODEL_BUFFERS, 4);
  verifier->codes = er_vec(root, ER_MODEL_CODES, 4);
  ER_TRY(verify_metadata(verifier, root));
  return verify_subgraphs(verifier, root);
}

edgert_status er_verify(edgert_model *model, er_message *why) {
  er_verifier verifier = {.model = model, .why = why};
  er_memory *memory = &model->memory;
  ER_TRY(verify_header(&verifier));
  size_t room = model->file.bytes > SIZE_MAX / 4 / MOST_BYTES_PER_FILE_BYTE
                    ? SIZE_MAX / 4
                    : model->file.bytes * MOST_BYTES_PER_FILE_BYTE;
  memory->quota_bytes = memory->held_bytes + room + 65536;
  return verify_root(&verifier);
}
