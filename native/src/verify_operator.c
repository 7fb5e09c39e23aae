/* Operators: their code, options and tensors, and the flow of values between them. */
#include "op.h"
#include "schema.h"
#include "verify.h"

#define REFUSE(...)                                                                \
  do {                                                                             \
    er_say(verifier->why, EDGERT_MALFORMED, "operator %d of subgraph %d ", number, \
           verifier->subgraph);                                                    \
    er_say_more(verifier->why, __VA_ARGS__);                                       \
    return EDGERT_MALFORMED;                                                       \
  } while (0)

static edgert_status verify_code(er_verifier *verifier, er_table table, int32_t number,
                                 er_operator *op) {
  uint32_t index = er_u32(table, ER_OPERATOR_CODE, 0);
  if (index >= verifier->codes.count) {
    REFUSE("has operator code %u, but there are %u codes", index, verifier->codes.count);
  }
  er_table code = er_vec_table(verifier->codes, index);
  /* Old files have the 8-bit field only, new ones both; the larger is right in either. */
  int32_t old = er_i8(code, ER_CODE_DEPRECATED, 0);
  int32_t fresh = er_i32(code, ER_CODE_BUILTIN, 0);
  op->builtin = old > fresh ? old : fresh;
  op->custom = op->builtin == ER_BUILTIN_CUSTOM ? er_string(code, ER_CODE_CUSTOM) : "";
  op->version = er_i32(code, ER_CODE_VERSION, 1);
  op->index = number;
  if (op->builtin < 0) REFUSE("has the negative code %d", op->builtin);
  return er_verify_reads(verifier);
}

static edgert_status verify_options(er_verifier *verifier, er_table table, int32_t number,
                                    er_operator *op) {
  uint8_t type = er_u8(table, ER_OPERATOR_OPTIONS_TYPE, 0);
  uint8_t wanted = er_builtin_options(op->builtin);
  op->options = er_sub(table, ER_OPERATOR_OPTIONS);
  ER_TRY(er_verify_reads(verifier));
  if (type && op->options.at == 0) REFUSE("names options of type %u but has none", type);
  if (type && wanted && type != wanted) {
    REFUSE("(%s) has options of type %u; it takes type %u", er_builtin_name(op->builtin), type,
           wanted);
  }
  if (type == 0 || wanted == 0) op->options.at = 0;
  return EDGERT_OK;
}

static edgert_status verify_numbers(er_verifier *verifier, int32_t number, const char *which,
                                    er_indices indices, int32_t lowest) {
  int32_t tensors = verifier->tensor_count;
  for (int32_t i = 0; i < indices.count; i++) {
    if (indices.at[i] < lowest || indices.at[i] >= tensors) {
      REFUSE("has tensor %d as %s %d, but there are %d tensors", indices.at[i], which, i, tensors);
    }
  }
  return EDGERT_OK;
}

edgert_status er_verify_operator(er_verifier *verifier, er_table table, int32_t number,
                                 er_operator *op) {
  ER_TRY(verify_code(verifier, table, number, op));
  ER_TRY(verify_options(verifier, table, number, op));
  ER_TRY(er_verify_indices(verifier, table, ER_OPERATOR_INPUTS, &op->inputs));
  ER_TRY(er_verify_indices(verifier, table, ER_OPERATOR_OUTPUTS, &op->outputs));
  ER_TRY(er_verify_indices(verifier, table, ER_OPERATOR_INTERMEDIATES, &op->intermediates));
  ER_TRY(verify_numbers(verifier, number, "input", op->inputs, -1));
  ER_TRY(verify_numbers(verifier, number, "output", op->outputs, 0));
  return verify_numbers(verifier, number, "intermediate", op->intermediates, -1);
}

/* ---- flow ------------------------------------------------------------------------------------ */

/* Whether a tensor has a value, and where it came from. */
typedef enum source { NOWHERE, CONSTANT, VARIABLE, INPUT, OPERATOR } source;

static const char *const source_names[] = {"nothing", "a constant", "a variable",
                                           "an input of the subgraph", "an earlier operator"};

static edgert_status write_inputs(er_verifier *verifier, const er_subgraph *subgraph,
                                  uint8_t *sources) {
  for (int32_t i = 0; i < subgraph->tensor_count; i++) {
    const er_tensor *tensor = &subgraph->tensors[i];
    sources[i] = tensor->constant ? CONSTANT : tensor->variable ? VARIABLE : NOWHERE;
  }
  for (int32_t i = 0; i < subgraph->inputs.count; i++) {
    int32_t tensor = subgraph->inputs.at[i];
    if (sources[tensor] != NOWHERE) {
      return er_say(verifier->why, EDGERT_MALFORMED,
                    "input %d of subgraph %d is tensor %d \"%.80s\", which is already %s", i,
                    verifier->subgraph, tensor, subgraph->tensors[tensor].name,
                    source_names[sources[tensor]]);
    }
    sources[tensor] = INPUT;
  }
  return EDGERT_OK;
}

static edgert_status step(er_verifier *verifier, const er_subgraph *subgraph, int32_t number,
                          uint8_t *sources) {
  const er_operator *op = &subgraph->operators[number];
  for (int32_t i = 0; i < op->inputs.count; i++) {
    int32_t tensor = op->inputs.at[i];
    if (tensor >= 0 && sources[tensor] == NOWHERE) {
      REFUSE("reads tensor %d \"%.80s\", which nothing before it writes", tensor,
             subgraph->tensors[tensor].name);
    }
  }
  for (int32_t i = 0; i < op->outputs.count; i++) {
    int32_t tensor = op->outputs.at[i];
    if (sources[tensor] != NOWHERE) {
      REFUSE("writes tensor %d \"%.80s\", which is already written by %s", tensor,
             subgraph->tensors[tensor].name, source_names[sources[tensor]]);
    }
    sources[tensor] = OPERATOR;
  }
  return EDGERT_OK;
}

edgert_status er_verify_flow(er_verifier *verifier, const er_subgraph *subgraph) {
  uint8_t *sources = er_verify_take(verifier, (uint64_t)subgraph->tensor_count, 1);
  if (!sources) return er_verify_refused(verifier);
  ER_TRY(write_inputs(verifier, subgraph, sources));
  for (int32_t i = 0; i < subgraph->operator_count; i++) {
    ER_TRY(step(verifier, subgraph, i, sources));
  }
  for (int32_t i = 0; i < subgraph->outputs.count; i++) {
    int32_t tensor = subgraph->outputs.at[i];
    if (sources[tensor] == NOWHERE) {
      return er_say(verifier->why, EDGERT_MALFORMED,
                    "output %d of subgraph %d is tensor %d \"%.80s\", which nothing writes", i,
                    verifier->subgraph, tensor, subgraph->tensors[tensor].name);
    }
  }
  return EDGERT_OK;
}
