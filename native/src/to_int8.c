/* uint8 activations become int8, 128 lower, so that files from the time before int8 run on the
 * kernels of today. Operators whose results do not depend on where the stored integers lie read and
 * write int8 twins of their tensors; a QUANTIZE, which only moves the zero point, stands where a
 * tensor meets an operator of the other kind, or the caller. Weights stay as they are. */
#include <string.h>

#include "plan.h"

enum { QUANTIZE = 114, CONCATENATION = 2, OFFSET = 128, MOST_QUANTIZE = 2, NONE = -1 };

/* Codes in the schema, and which input holds weights. Not here: what rounds stored integers
 * (AVERAGE_POOL_2D, MEAN, 8 to 8 bits), or takes them for numbers. */
static const struct kind {
  int32_t builtin, weights;
} kinds[] = {
    {0, NONE},  /* ADD */
    {2, NONE},  /* CONCATENATION, of equal scales */
    {3, 1},     /* CONV_2D */
    {4, 1},     /* DEPTHWISE_CONV_2D */
    {6, NONE},  /* DEQUANTIZE */
    {9, 1},     /* FULLY_CONNECTED */
    {14, NONE}, /* LOGISTIC */
    {17, NONE}, /* MAX_POOL_2D */
    {18, NONE}, /* MUL */
    {19, NONE}, /* RELU */
    {21, NONE}, /* RELU6 */
    {22, NONE}, /* RESHAPE */
    {23, NONE}, /* RESIZE_BILINEAR */
    {25, NONE}, /* SOFTMAX */
    {28, NONE}, /* TANH */
    {34, NONE}, /* PAD */
    {39, NONE}, /* TRANSPOSE */
    {41, NONE}, /* SUB */
    {43, NONE}, /* SQUEEZE */
    {49, NONE}, /* SPLIT */
    {56, NONE}, /* ARG_MAX */
    {69, NONE}, /* TILE */
    {70, NONE}, /* EXPAND_DIMS */
    {97, NONE}, /* RESIZE_NEAREST_NEIGHBOR */
    {QUANTIZE, NONE},
};

/* A subgraph in the making. */
typedef struct rewrite {
  er_plan *plan;
  const er_subgraph *source;
  er_tensor *tensors; /* the source's, then the twins */
  int32_t tensor_count;
  er_operator *operators; /* */
  int32_t operator_count;
  int32_t index; /* of the source operator at hand */
  int32_t *twin; /* [source tensors] number of the int8 twin, or NONE */
  bool *has[2];  /* [source tensors] whether the tensor, or its twin, is made already */
} rewrite;

static void *take(rewrite *w, size_t count, size_t bytes) {
  return er_memory_array(&w->plan->session->memory, count, bytes);
}

/* ---- which operators ------------------------------------------------------------------------- */

static bool is_uint8(const er_subgraph *s, int32_t tensor) {
  return tensor >= 0 && s->tensors[tensor].type == EDGERT_UINT8;
}

static bool can_move(const er_tensor *tensor) {
  return tensor->quant.count == 1 && !tensor->variable;
}

static bool same_quant(const er_tensor *a, const er_tensor *b) {
  return a->quant.count == 1 && b->quant.count == 1 && a->quant.scale[0] == b->quant.scale[0] &&
         a->quant.zero_point[0] == b->quant.zero_point[0];
}

static const struct kind *find_kind(int32_t builtin) {
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    if (kinds[i].builtin == builtin) return &kinds[i];
  }
  return NULL;
}

/* Whether an operator may run on twins, as far as its code tells more than the table. */
static bool is_plain(const er_subgraph *s, const er_operator *op) {
  if (op->builtin == QUANTIZE) {
    return op->inputs.count == 1 && op->inputs.at[0] >= 0 &&
           s->tensors[op->inputs.at[0]].type == EDGERT_FLOAT32;
  }
  for (int32_t i = 0; op->builtin == CONCATENATION && i < op->inputs.count; i++) {
    if (op->inputs.at[i] < 0 || op->outputs.count != 1) return false;
    if (!same_quant(&s->tensors[op->inputs.at[i]], &s->tensors[op->outputs.at[0]])) return false;
  }
  return true;
}

/* @return whether `op` reads and writes twins */
static bool moves(const er_subgraph *s, const er_operator *op) {
  const struct kind *kind = find_kind(op->builtin);
  if (!kind || !is_plain(s, op)) return false;
  for (int32_t i = 0; i < op->inputs.count; i++) {
    const int32_t tensor = op->inputs.at[i];
    if (i != kind->weights && is_uint8(s, tensor) && !can_move(&s->tensors[tensor])) return false;
  }
  for (int32_t i = 0; i < op->outputs.count; i++) {
    const int32_t tensor = op->outputs.at[i];
    if (is_uint8(s, tensor) && !can_move(&s->tensors[tensor])) return false;
  }
  return true;
}

/* ---- tensors --------------------------------------------------------------------------------- */

static edgert_status shift_constant(rewrite *w, er_tensor *twin) {
  uint8_t *bytes = take(w, twin->bytes, 1);
  if (!bytes) return er_plan_no_memory(w->plan);
  for (size_t i = 0; i < twin->bytes; i++) bytes[i] = ((const uint8_t *)twin->constant)[i] ^ 0x80;
  twin->constant = bytes;
  return EDGERT_OK;
}

static edgert_status add_twin(rewrite *w, int32_t tensor) {
  if (!is_uint8(w->source, tensor) || w->twin[tensor] != NONE) return EDGERT_OK;
  er_tensor *twin = &w->tensors[w->tensor_count];
  int32_t *zero_point = take(w, 1, sizeof *zero_point);
  if (!zero_point) return er_plan_no_memory(w->plan);
  *twin = w->source->tensors[tensor];
  *zero_point = twin->quant.zero_point[0] - OFFSET;
  twin->type = EDGERT_INT8;
  twin->quant.zero_point = zero_point;
  w->twin[tensor] = w->tensor_count++;
  if (!twin->constant) return EDGERT_OK;
  w->has[1][tensor] = true;
  return shift_constant(w, twin);
}

static edgert_status add_twins(rewrite *w, const er_operator *op) {
  const int32_t weights = find_kind(op->builtin)->weights;
  for (int32_t i = 0; i < op->inputs.count; i++) {
    if (i != weights) ER_TRY(add_twin(w, op->inputs.at[i]));
  }
  for (int32_t i = 0; i < op->outputs.count; i++) ER_TRY(add_twin(w, op->outputs.at[i]));
  return EDGERT_OK;
}

/* ---- operators ------------------------------------------------------------------------------- */

/* Make a tensor from its twin, or the twin from the tensor, unless it is there. */
static edgert_status provide(rewrite *w, int32_t tensor, bool as_twin) {
  if (tensor < 0 || w->twin[tensor] == NONE || w->has[as_twin][tensor]) return EDGERT_OK;
  int32_t *ends = take(w, 2, sizeof *ends);
  if (!ends) return er_plan_no_memory(w->plan);
  ends[as_twin] = w->twin[tensor];
  ends[!as_twin] = tensor;
  w->operators[w->operator_count++] = (er_operator){.builtin = QUANTIZE,
                                                    .custom = "",
                                                    .version = 1,
                                                    .index = w->index,
                                                    .inputs = {1, &ends[0]},
                                                    .outputs = {1, &ends[1]}};
  w->has[as_twin][tensor] = true;
  return EDGERT_OK;
}

/* The numbers of twins for a list of tensors; `keep` is the place of one that stays. */
static edgert_status twins_of(rewrite *w, er_indices *list, int32_t keep) {
  int32_t *numbers = take(w, (size_t)list->count, sizeof *numbers);
  if (!numbers) return er_plan_no_memory(w->plan);
  for (int32_t i = 0; i < list->count; i++) {
    const int32_t tensor = list->at[i];
    const bool stays = i == keep || tensor < 0 || w->twin[tensor] == NONE;
    numbers[i] = stays ? tensor : w->twin[tensor];
  }
  list->at = numbers;
  return EDGERT_OK;
}

static edgert_status copy_operator(rewrite *w, const er_operator *source) {
  er_operator op = *source;
  w->index = op.index;
  const bool on_twins = moves(w->source, &op);
  const int32_t weights = on_twins ? find_kind(op.builtin)->weights : NONE;
  for (int32_t i = 0; i < op.inputs.count; i++) {
    ER_TRY(provide(w, op.inputs.at[i], on_twins && i != weights));
  }
  for (int32_t i = 0; i < op.outputs.count; i++) w->has[on_twins][op.outputs.at[i]] = true;
  if (on_twins) {
    ER_TRY(twins_of(w, &op.inputs, weights));
    ER_TRY(twins_of(w, &op.outputs, NONE));
  }
  w->operators[w->operator_count++] = op;
  return EDGERT_OK;
}

static edgert_status begin(rewrite *w) {
  const er_subgraph *s = w->source;
  const size_t tensors = (size_t)s->tensor_count, operators = (size_t)s->operator_count;
  w->tensors = take(w, 2 * tensors, sizeof *w->tensors);
  /* Each tensor and each twin is made once from the other at most. */
  w->operators = take(w, operators + MOST_QUANTIZE * tensors, sizeof *w->operators);
  w->twin = take(w, tensors, sizeof *w->twin);
  w->has[0] = take(w, tensors, sizeof **w->has);
  w->has[1] = take(w, tensors, sizeof **w->has);
  if (!w->tensors || !w->operators || !w->twin || !w->has[0] || !w->has[1]) {
    return er_plan_no_memory(w->plan);
  }
  memcpy(w->tensors, s->tensors, tensors * sizeof *w->tensors);
  w->tensor_count = s->tensor_count;
  for (int32_t i = 0; i < s->tensor_count; i++) {
    w->twin[i] = NONE;
    w->has[0][i] = s->tensors[i].constant != NULL;
  }
  for (int32_t i = 0; i < s->inputs.count; i++) w->has[0][s->inputs.at[i]] = true;
  return EDGERT_OK;
}

static edgert_status end(rewrite *w, const er_subgraph **subgraph) {
  er_subgraph *result = take(w, 1, sizeof *result);
  if (!result) return er_plan_no_memory(w->plan);
  for (int32_t i = 0; i < w->source->outputs.count; i++) {
    ER_TRY(provide(w, w->source->outputs.at[i], false));
  }
  *result = *w->source;
  result->tensors = w->tensors;
  result->tensor_count = w->tensor_count;
  result->operators = w->operators;
  result->operator_count = w->operator_count;
  *subgraph = result;
  return EDGERT_OK;
}

static bool has_uint8(const er_subgraph *s) {
  for (int32_t i = 0; i < s->operator_count; i++) {
    const er_operator *op = &s->operators[i];
    for (int32_t k = 0; k < op->outputs.count; k++) {
      if (is_uint8(s, op->outputs.at[k]) && moves(s, op)) return true;
    }
  }
  return false;
}

edgert_status er_move_to_int8(er_plan *plan, const er_subgraph **subgraph) {
  rewrite w = {.plan = plan, .source = *subgraph};
  if (!has_uint8(w.source)) return EDGERT_OK;
  ER_TRY(begin(&w));
  for (int32_t i = 0; i < w.source->operator_count; i++) {
    const er_operator *op = &w.source->operators[i];
    if (moves(w.source, op)) ER_TRY(add_twins(&w, op));
  }
  for (int32_t i = 0; i < w.source->operator_count; i++) {
    ER_TRY(copy_operator(&w, &w.source->operators[i]));
  }
  return end(&w, subgraph);
}
