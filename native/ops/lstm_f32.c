/* UNIDIRECTIONAL_SEQUENCE_LSTM on float32; weights may be quantized, they become floats once. */
#include "kernels/lstm_f32.h"

#include <string.h>

#include "linear.h"
#include "lstm.h"
#include "shape.h"

/* Sequences lie side by side (`time_major`) or after one another. */
typedef struct er_sequence {
  int32_t steps, batch, inputs, cells, outputs;
  bool time_major;
} er_sequence;

typedef struct er_real_lstm {
  er_sequence sequence;
  er_lstm_f32 lstm;
} er_real_lstm;

/* ---- shapes ------------------------------------------------------------ */

static edgert_status want_matrix(er_plan *plan, const er_node *node, int32_t number, int32_t rows,
                                 int32_t columns) {
  const er_tensor *tensor = er_plan_input(plan, node, number);
  const int32_t rank = columns > 0 ? 2 : 1;
  if (tensor == NULL) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED, "needs weights as input %d", (int)number);
  }
  ER_TRY(er_want_constant(plan, node, tensor, "weights"));
  if (tensor->rank == rank && tensor->dims[0] == rows &&
      (rank == 1 || tensor->dims[1] == columns)) {
    return EDGERT_OK;
  }
  return er_plan_fail(plan, node, EDGERT_MALFORMED,
                      "input %d '%s' has rank %d and %lld elements; needed are rank %d and %lld",
                      (int)number, tensor->name, (int)tensor->rank, (long long)tensor->count,
                      (int)rank, (long long)rows * (columns > 0 ? columns : 1));
}

static edgert_status want_state(er_plan *plan, const er_node *node, int32_t number, int32_t batch,
                                int32_t width) {
  const er_tensor *tensor = er_plan_input(plan, node, number);
  if (tensor != NULL && tensor->variable && tensor->count == (int64_t)batch * width) {
    return EDGERT_OK;
  }
  return er_plan_fail(plan, node, EDGERT_MALFORMED,
                      "input %d must be a variable tensor of shape [%d, %d]", (int)number,
                      (int)batch, (int)width);
}

static edgert_status want_gate(er_plan *plan, const er_node *node, const er_sequence *s,
                               int32_t gate) {
  ER_TRY(want_matrix(plan, node, INPUT_WEIGHTS + gate, s->cells, s->inputs));
  ER_TRY(want_matrix(plan, node, INPUT_RECURRENT + gate, s->cells, s->outputs));
  return want_matrix(plan, node, INPUT_BIAS + gate, s->cells, 0);
}

static edgert_status want_weights(er_plan *plan, const er_node *node, const er_sequence *s) {
  const bool coupled = er_plan_input(plan, node, INPUT_WEIGHTS) == NULL;
  for (int32_t gate = coupled ? ER_FORGET_GATE : ER_INPUT_GATE; gate < ER_GATES; ++gate) {
    ER_TRY(want_gate(plan, node, s, gate));
  }
  for (int32_t i = INPUT_PEEPHOLES; i < INPUT_BIAS; ++i) {
    if (er_plan_input(plan, node, i) != NULL) ER_TRY(want_matrix(plan, node, i, s->cells, 0));
  }
  if (er_plan_input(plan, node, INPUT_PROJECTION) != NULL) {
    ER_TRY(want_matrix(plan, node, INPUT_PROJECTION, s->outputs, s->cells));
  } else if (s->outputs != s->cells) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED,
                        "has %d outputs of %d cells but no projection", (int)s->outputs,
                        (int)s->cells);
  }
  if (er_plan_input(plan, node, INPUT_PROJECTION + 1) != NULL) {
    ER_TRY(want_matrix(plan, node, INPUT_PROJECTION + 1, s->outputs, 0));
  }
  ER_TRY(want_state(plan, node, INPUT_STATE, s->batch, s->outputs));
  return want_state(plan, node, INPUT_CELL, s->batch, s->cells);
}

static edgert_status read_sequence(er_plan *plan, const er_node *node, er_sequence *s) {
  const er_tensor *input = er_plan_input(plan, node, INPUT_X);
  const er_tensor *weights = er_plan_input(plan, node, INPUT_WEIGHTS + ER_OUTPUT_GATE);
  const er_tensor *recurrent = er_plan_input(plan, node, INPUT_RECURRENT + ER_OUTPUT_GATE);
  if (input->rank != 3 || weights == NULL || weights->rank != 2 || recurrent == NULL ||
      recurrent->rank != 2) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED,
                        "needs an input of rank 3 and weights of rank 2 for its output gate");
  }
  for (int32_t i = INPUT_LAYER_NORM; i < node->input_count; ++i) {
    if (er_plan_input(plan, node, i) != NULL) {
      return er_plan_fail(plan, node, EDGERT_UNSUPPORTED, "layer normalization is not supported");
    }
  }
  s->time_major = er_bool(node->options, SLOT_TIME_MAJOR, false);
  s->steps = input->dims[s->time_major ? 0 : 1];
  s->batch = input->dims[s->time_major ? 1 : 0];
  s->inputs = input->dims[2];
  s->cells = weights->dims[0];
  s->outputs = recurrent->dims[1];
  ER_TRY(want_weights(plan, node, s));
  const int32_t dims[] = {input->dims[0], input->dims[1], s->outputs};
  return er_plan_set_shape(plan, node, 0, 3, dims);
}

/* ---- float ------------------------------------------------------------ */

static edgert_status want_floats(er_plan *plan, const er_node *node, int32_t number,
                                 const float **values) {
  const int32_t types[] = {EDGERT_FLOAT32, EDGERT_INT8, EDGERT_UINT8, -1};
  const er_tensor *tensor = er_plan_input(plan, node, number);
  *values = NULL;
  if (tensor == NULL) return EDGERT_OK;
  ER_TRY(er_plan_want_type(plan, node, tensor, types));
  if (tensor->type != EDGERT_FLOAT32 && tensor->quant.count == 0) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED, "weights '%s' have no scale", tensor->name);
  }
  *values = er_float_weights(plan, tensor);
  return *values == NULL ? er_plan_no_memory(plan) : EDGERT_OK;
}

static edgert_status want_lstm_activation(er_plan *plan, const er_node *node, er_lstm_f32 *real) {
  enum { NONE = 0, RELU = 1, RELU6 = 3, TANH = 4 };
  const int8_t code = er_i8(node->options, SLOT_ACTIVATION, 0);
  real->has_activation = code != NONE;
  real->activation = code == RELU ? ER_RELU : code == RELU6 ? ER_RELU6 : ER_TANH;
  if (code == NONE || code == RELU || code == RELU6 || code == TANH) return EDGERT_OK;
  return er_plan_fail(plan, node, EDGERT_UNSUPPORTED,
                      "has activation number %d; none, RELU, RELU6 and TANH are known", (int)code);
}

static edgert_status want_gate_values(er_plan *plan, const er_node *node, er_lstm_f32 *lstm) {
  static const int32_t peepholes[ER_GATES] = {INPUT_PEEPHOLES, INPUT_PEEPHOLES + 1, INPUT_COUNT,
                                              INPUT_PEEPHOLES + 2};
  for (int32_t gate = 0; gate < ER_GATES; ++gate) {
    ER_TRY(want_floats(plan, node, INPUT_WEIGHTS + gate, &lstm->input_weights[gate]));
    ER_TRY(want_floats(plan, node, INPUT_RECURRENT + gate, &lstm->recurrent_weights[gate]));
    ER_TRY(want_floats(plan, node, INPUT_BIAS + gate, &lstm->bias[gate]));
    ER_TRY(want_floats(plan, node, peepholes[gate], &lstm->peephole[gate]));
  }
  ER_TRY(want_floats(plan, node, INPUT_PROJECTION, &lstm->projection));
  return want_floats(plan, node, INPUT_PROJECTION + 1, &lstm->projection_bias);
}

edgert_status er_prepare_lstm_f32(er_plan *plan, er_node *node) {
  er_real_lstm *real = er_plan_alloc(plan, sizeof *real);
  if (real == NULL) return er_plan_no_memory(plan);
  er_sequence *s = &real->sequence;
  const er_tensor *input = er_plan_input(plan, node, INPUT_X);
  ER_TRY(er_want_same_type(plan, node, input, er_plan_output(plan, node, 0)));
  ER_TRY(read_sequence(plan, node, s));
  real->lstm = (er_lstm_f32){.inputs = s->inputs,
                             .cells = s->cells,
                             .outputs = s->outputs,
                             .cell_clip = er_f32(node->options, SLOT_CELL_CLIP, 0),
                             .projection_clip = er_f32(node->options, SLOT_PROJECTION_CLIP, 0)};
  ER_TRY(want_gate_values(plan, node, &real->lstm));
  ER_TRY(er_want_same_type(plan, node, input, er_plan_input(plan, node, INPUT_STATE)));
  ER_TRY(er_want_same_type(plan, node, input, er_plan_input(plan, node, INPUT_CELL)));
  node->macs = (int64_t)s->steps * s->batch * ER_GATES * s->cells * (s->inputs + s->outputs);
  node->scratch_bytes = ER_GATES * (size_t)s->cells * sizeof(float);
  node->kernel = "lstm_f32";
  node->data = real;
  return want_lstm_activation(plan, node, &real->lstm);
}

edgert_status er_run_lstm_f32(const er_run *run, const er_node *node) {
  const er_real_lstm *real = node->data;
  const er_sequence *s = &real->sequence;
  const float *input = er_in_data(run, node, INPUT_X);
  float *output = er_out_data(run, node, 0);
  for (int32_t b = 0; b < s->batch; ++b) {
    float *state = (float *)run->data[node->inputs[INPUT_STATE]] + (int64_t)b * s->outputs;
    float *cell = (float *)run->data[node->inputs[INPUT_CELL]] + (int64_t)b * s->cells;
    for (int32_t t = 0; t < s->steps; ++t) {
      const int64_t at = s->time_major ? (int64_t)t * s->batch + b : (int64_t)b * s->steps + t;
      er_lstm_step_f32(&real->lstm, input + at * s->inputs, state, cell, run->scratch);
      memcpy(output + at * s->outputs, state, (size_t)s->outputs * sizeof *state);
    }
  }
  return EDGERT_OK;
}
