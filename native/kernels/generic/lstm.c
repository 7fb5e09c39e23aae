#include "kernels/lstm.h"

#include "kernels/fixed16.h"

static int32_t dot(int32_t count, const int8_t *restrict a, const int8_t *restrict b) {
  int32_t sum = 0;
  for (int32_t i = 0; i < count; ++i) sum += a[i] * b[i];
  return sum;
}

/* What goes into a gate's activation, in units of 2^-12; saturates after either product. */
static void gate_input(const er_lstm *lstm, const er_lstm_gate *gate, const int8_t *input,
                       const int8_t *state, int16_t *output) {
  for (int32_t c = 0; c < lstm->cells; ++c) {
    const int32_t from_input =
        gate->input_bias[c] +
        dot(lstm->inputs, gate->input_weights + (int64_t)c * lstm->inputs, input);
    const int32_t from_state =
        gate->recurrent_bias[c] +
        dot(lstm->cells, gate->recurrent_weights + (int64_t)c * lstm->cells, state);
    const int16_t first =
        (int16_t)er_clamp(er_mulfix(from_input, gate->input_scale), INT16_MIN, INT16_MAX);
    const int64_t both = (int64_t)er_mulfix(from_state, gate->recurrent_scale) + first;
    output[c] = (int16_t)er_clamp(both, INT16_MIN, INT16_MAX);
  }
}

static void activate(const er_lstm *lstm, int32_t number, int16_t *gate) {
  for (int32_t c = 0; c < lstm->cells; ++c) {
    gate[c] = number == ER_CELL_GATE ? er_tanh_q(3, gate[c]) : er_sigmoid_q3(gate[c]);
  }
}

static void update_cell(const er_lstm *lstm, const int16_t *gates, int16_t *cell) {
  const int32_t n = lstm->cells;
  for (int32_t c = 0; c < n; ++c) {
    const int32_t forget = gates[ER_FORGET_GATE * n + c];
    const int32_t input = lstm->coupled ? INT16_MAX - forget : gates[ER_INPUT_GATE * n + c];
    const int32_t kept = er_divide_by_power(forget * cell[c], 15);
    const int32_t added =
        er_divide_by_power(input * gates[ER_CELL_GATE * n + c], 30 + lstm->cell_exponent);
    const int32_t sum = er_saturate16((int16_t)kept + (int16_t)added);
    const int32_t most = lstm->cell_clip > 0 ? lstm->cell_clip : INT16_MAX + 1;
    cell[c] = (int16_t)er_clamp(sum, -most, most);
  }
}

static void update_state(const er_lstm *lstm, const int16_t *gates, const int16_t *cell,
                         int8_t *state) {
  for (int32_t c = 0; c < lstm->cells; ++c) {
    const int32_t product =
        gates[ER_OUTPUT_GATE * lstm->cells + c] * er_tanh_q(15 + lstm->cell_exponent, cell[c]);
    const int64_t value = (int64_t)er_mulfix(product, lstm->hidden_scale) + lstm->hidden_zero;
    state[c] = (int8_t)er_clamp(value, INT8_MIN, INT8_MAX);
  }
}

void er_lstm_step(const er_lstm *lstm, const int8_t *input, int8_t *state, int16_t *cell,
                  int16_t *scratch) {
  for (int32_t g = lstm->coupled ? ER_FORGET_GATE : ER_INPUT_GATE; g < ER_GATES; ++g) {
    int16_t *gate = scratch + (int64_t)g * lstm->cells;
    gate_input(lstm, &lstm->gates[g], input, state, gate);
    activate(lstm, g, gate);
  }
  update_cell(lstm, scratch, cell);
  update_state(lstm, scratch, cell, state);
}
