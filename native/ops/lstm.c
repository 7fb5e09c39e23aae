/* UNIDIRECTIONAL_SEQUENCE_LSTM: int8 activations without peepholes, projection and layer norm here,
 * float32 in lstm_f32.c. */
#include "kernels/lstm.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "activation.h"
#include "lstm.h"
#include "shape.h"
#include "window.h"

enum { INTERMEDIATE_HIDDEN = 4, ACTIVATION_TANH = 4 };

typedef struct er_lstm_plan {
  er_lstm lstm;
  int32_t batch, time;
  int64_t batch_step, time_step; /* vectors from one to the next in input and output */
} er_lstm_plan;

static edgert_status refuse_variants(er_plan *plan, const er_node *node) {
  static const struct {
    int32_t first, last;
    const char *what;
  } variants[] = {{INPUT_PEEPHOLES, INPUT_BIAS, "peepholes"},
                  {INPUT_PROJECTION, INPUT_STATE, "a projection"},
                  {INPUT_LAYER_NORM, INPUT_COUNT, "layer normalization"}};
  for (size_t v = 0; v < sizeof variants / sizeof *variants; ++v) {
    for (int32_t i = variants[v].first; i < variants[v].last; ++i) {
      if (er_plan_input(plan, node, i) != NULL) {
        return er_plan_fail(plan, node, EDGERT_UNSUPPORTED, "has %s", variants[v].what);
      }
    }
  }
  if (er_i8(node->options, SLOT_ACTIVATION, 0) == ACTIVATION_TANH) return EDGERT_OK;
  return er_plan_fail(plan, node, EDGERT_UNSUPPORTED, "has another cell activation than TANH");
}

/* One of the operator's tensors, of a type and a number of elements. */
static edgert_status want(er_plan *plan, const er_node *node, int32_t i, edgert_type type,
                          int64_t count, const er_tensor **tensor) {
  const int32_t types[] = {(int32_t)type, -1};
  *tensor = er_plan_input(plan, node, i);
  if (*tensor == NULL) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED, "lacks its input %d", (int)i);
  }
  ER_TRY(er_plan_want_type(plan, node, *tensor, types));
  if ((*tensor)->count == count) return EDGERT_OK;
  return er_plan_fail(plan, node, EDGERT_MALFORMED, "has %lld elements in '%s' instead of %lld",
                      (long long)(*tensor)->count, (*tensor)->name, (long long)count);
}

static edgert_status want_constant(er_plan *plan, const er_node *node, int32_t i, edgert_type type,
                                   int64_t count, const er_tensor **tensor) {
  ER_TRY(want(plan, node, i, type, count, tensor));
  if ((*tensor)->constant != NULL) return EDGERT_OK;
  return er_plan_fail(plan, node, EDGERT_UNSUPPORTED, "needs constant weights; '%s' is computed",
                      (*tensor)->name);
}

/* Biases with the zero point of what the weights multiply folded in; refuses what could overflow.
 */
static edgert_status fold_zero(er_plan *plan, const er_node *node, const er_tensor *weights,
                               const er_tensor *bias, int32_t rows, int32_t zero_point,
                               const int32_t **folded) {
  int32_t *result = er_plan_alloc(plan, (size_t)rows * sizeof *result);
  if (result == NULL) return er_plan_no_memory(plan);
  const int64_t depth = weights->count / rows;
  for (int32_t r = 0; r < rows; ++r) {
    const int8_t *row = (const int8_t *)weights->constant + r * depth;
    int64_t sum = 0, reach = 0;
    for (int64_t d = 0; d < depth; ++d) {
      sum += row[d];
      reach += row[d] < 0 ? -row[d] : row[d];
    }
    const int64_t value = (bias == NULL ? 0 : er_constant_at(bias, r)) - zero_point * sum;
    if (llabs(value) + 128 * reach > INT32_MAX) {
      return er_plan_fail(plan, node, EDGERT_UNSUPPORTED,
                          "could overflow its accumulator in row %d of '%s'", (int)r,
                          weights->name);
    }
    result[r] = (int32_t)value;
  }
  *folded = result;
  return EDGERT_OK;
}

static edgert_status scale_of(er_plan *plan, const er_node *node, const er_tensor *weights,
                              const er_tensor *input, er_fixed *fixed) {
  ER_TRY(er_want_per_tensor(plan, node, weights));
  if (weights->quant.zero_point[0] != 0) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED, "has a zero point on the weights '%s'",
                        weights->name);
  }
  const float product = weights->quant.scale[0] * input->quant.scale[0];
  *fixed = er_fixed_from((double)(product / 0x1p-12f));
  if (fixed->multiplier != 0) return EDGERT_OK;
  return er_plan_fail(plan, node, EDGERT_UNSUPPORTED, "has a scale of %g on the weights '%s'",
                      (double)weights->quant.scale[0], weights->name);
}

static edgert_status plan_gate(er_plan *plan, const er_node *node, int32_t g, er_lstm *lstm) {
  er_lstm_gate *gate = &lstm->gates[g];
  const er_tensor *x = er_plan_input(plan, node, INPUT_X);
  const er_tensor *state = er_plan_input(plan, node, INPUT_STATE);
  const er_tensor *weights, *recurrent, *bias;
  const int64_t cells = lstm->cells;
  ER_TRY(want_constant(plan, node, INPUT_WEIGHTS + g, EDGERT_INT8, cells * lstm->inputs, &weights));
  ER_TRY(want_constant(plan, node, INPUT_RECURRENT + g, EDGERT_INT8, cells * cells, &recurrent));
  ER_TRY(want_constant(plan, node, INPUT_BIAS + g, EDGERT_INT32, cells, &bias));
  gate->input_weights = weights->constant;
  gate->recurrent_weights = recurrent->constant;
  ER_TRY(scale_of(plan, node, weights, x, &gate->input_scale));
  ER_TRY(scale_of(plan, node, recurrent, state, &gate->recurrent_scale));
  ER_TRY(
      fold_zero(plan, node, weights, bias, lstm->cells, x->quant.zero_point[0], &gate->input_bias));
  return fold_zero(plan, node, recurrent, NULL, lstm->cells, state->quant.zero_point[0],
                   &gate->recurrent_bias);
}

static edgert_status plan_cell(er_plan *plan, const er_node *node, const er_tensor *cell,
                               er_lstm *lstm) {
  ER_TRY(er_want_per_tensor(plan, node, cell));
  int exponent = 0;
  const float scale = cell->quant.scale[0];
  const float fraction = frexpf(scale, &exponent);
  lstm->cell_exponent = exponent - 1;
  if (fraction != 0.5f || lstm->cell_exponent < -15 || lstm->cell_exponent > -9) {
    return er_plan_fail(plan, node, EDGERT_UNSUPPORTED,
                        "has a cell scale of %g; allowed are powers of two, 2^-15 to 2^-9",
                        (double)scale);
  }
  const float clip = er_f32(node->options, SLOT_CELL_CLIP, 0.0f);
  if (clip > 0.0f) lstm->cell_clip = clip / scale < 32767.0f ? (int32_t)(clip / scale) : 32767;
  return EDGERT_OK;
}

static edgert_status plan_hidden(er_plan *plan, const er_node *node, er_lstm *lstm) {
  const er_tensor *hidden = er_plan_intermediate(plan, node, INTERMEDIATE_HIDDEN);
  if (hidden == NULL || hidden->quant.count != 1) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED,
                        "lacks the quantization of its hidden state (intermediate 4)");
  }
  const double scale = 0x1p-30 / (double)hidden->quant.scale[0];
  lstm->hidden_scale = er_fixed_from(scale);
  lstm->hidden_zero = hidden->quant.zero_point[0];
  if (lstm->hidden_scale.multiplier != 0) return EDGERT_OK;
  return er_plan_fail(plan, node, EDGERT_UNSUPPORTED, "has a hidden scale of %g",
                      (double)hidden->quant.scale[0]);
}

static edgert_status plan_shape(er_plan *plan, er_node *node, er_lstm_plan *p) {
  const er_tensor *x = er_plan_input(plan, node, INPUT_X);
  const er_tensor *recurrent = er_plan_input(plan, node, INPUT_RECURRENT + ER_OUTPUT_GATE);
  const bool time_major = er_bool(node->options, SLOT_TIME_MAJOR, false);
  ER_TRY(er_want_rank(plan, node, x, 3, "input"));
  if (recurrent == NULL || recurrent->rank != 2) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED, "lacks recurrent weights of rank 2");
  }
  p->lstm.inputs = x->dims[2];
  p->lstm.cells = recurrent->dims[0];
  p->lstm.coupled = er_plan_input(plan, node, INPUT_WEIGHTS) == NULL;
  p->batch = x->dims[time_major ? 1 : 0];
  p->time = x->dims[time_major ? 0 : 1];
  p->batch_step = time_major ? 1 : p->time;
  p->time_step = time_major ? p->batch : 1;
  const int32_t dims[] = {x->dims[0], x->dims[1], p->lstm.cells};
  node->scratch_bytes = (size_t)ER_GATES * (size_t)p->lstm.cells * sizeof(int16_t);
  node->macs = x->dims[0] * (int64_t)x->dims[1] * 4 * p->lstm.cells *
               ((int64_t)p->lstm.inputs + p->lstm.cells);
  return er_plan_set_shape(plan, node, 0, 3, dims);
}

static edgert_status prepare_s8(er_plan *plan, er_node *node) {
  const int32_t types[] = {EDGERT_INT8, -1};
  const er_tensor *state, *cell;
  er_lstm_plan *p = er_plan_alloc(plan, sizeof *p);
  if (p == NULL) return er_plan_no_memory(plan);
  ER_TRY(er_plan_want_type(plan, node, er_plan_input(plan, node, INPUT_X), types));
  ER_TRY(er_want_per_tensor(plan, node, er_plan_input(plan, node, INPUT_X)));
  ER_TRY(er_plan_want_type(plan, node, er_plan_output(plan, node, 0), types));
  ER_TRY(refuse_variants(plan, node));
  ER_TRY(plan_shape(plan, node, p));
  const int64_t states = (int64_t)p->batch * p->lstm.cells;
  ER_TRY(want(plan, node, INPUT_STATE, EDGERT_INT8, states, &state));
  ER_TRY(want(plan, node, INPUT_CELL, EDGERT_INT16, states, &cell));
  ER_TRY(er_want_same_quant(plan, node, state, er_plan_output(plan, node, 0)));
  for (int32_t g = p->lstm.coupled ? ER_FORGET_GATE : ER_INPUT_GATE; g < ER_GATES; ++g) {
    ER_TRY(plan_gate(plan, node, g, &p->lstm));
  }
  ER_TRY(plan_cell(plan, node, cell, &p->lstm));
  node->kernel = "lstm_s8";
  node->data = p;
  return plan_hidden(plan, node, &p->lstm);
}

static edgert_status run_s8(const er_run *run, const er_node *node) {
  const er_lstm_plan *p = node->data;
  const int32_t cells = p->lstm.cells;
  const int8_t *input = er_in_data(run, node, INPUT_X);
  int8_t *output = er_out_data(run, node, 0);
  for (int32_t b = 0; b < p->batch; ++b) {
    int8_t *state = (int8_t *)run->data[node->inputs[INPUT_STATE]] + (int64_t)b * cells;
    int16_t *cell = (int16_t *)run->data[node->inputs[INPUT_CELL]] + (int64_t)b * cells;
    for (int32_t t = 0; t < p->time; ++t) {
      const int64_t at = b * p->batch_step + t * p->time_step;
      er_lstm_step(&p->lstm, input + at * p->lstm.inputs, state, cell, run->scratch);
      memcpy(output + at * cells, state, (size_t)cells);
    }
  }
  return EDGERT_OK;
}

static edgert_status prepare(er_plan *plan, er_node *node) {
  ER_TRY(er_plan_want_counts(plan, node, 1, INPUT_COUNT, 1));
  const bool floats = er_plan_input(plan, node, INPUT_X)->type == EDGERT_FLOAT32;
  return floats ? er_prepare_lstm_f32(plan, node) : prepare_s8(plan, node);
}

static edgert_status run(const er_run *run, const er_node *node) {
  const bool floats = er_in(run, node, INPUT_X)->type == EDGERT_FLOAT32;
  return floats ? er_run_lstm_f32(run, node) : run_s8(run, node);
}

const er_op er_op_unidirectional_sequence_lstm = {.builtin = 44,
                                                  .name = "UNIDIRECTIONAL_SEQUENCE_LSTM",
                                                  .prepare = prepare,
                                                  .run = run,
                                                  .effect = true};
