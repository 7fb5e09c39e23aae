/* One step of the integer LSTM: int8 inputs and outputs, int16 gates and cell. */
#ifndef ER_LSTM_H
#define ER_LSTM_H

#include <stdbool.h>

#include "rounding.h"

enum { ER_INPUT_GATE, ER_FORGET_GATE, ER_CELL_GATE, ER_OUTPUT_GATE, ER_GATES };

typedef struct er_lstm_gate {
  const int8_t *input_weights;     /* [cells, inputs] */
  const int8_t *recurrent_weights; /* [cells, cells] */
  const int32_t *input_bias;     /* [cells] bias less the input's zero point times the row's sum */
  const int32_t *recurrent_bias; /* [cells] likewise for the state */
  er_fixed input_scale;          /* from sums to units of 2^-12 */
  er_fixed recurrent_scale;
} er_lstm_gate;

typedef struct er_lstm {
  int32_t inputs, cells;
  bool coupled; /* no input gate: it is 1 - forget gate */
  er_lstm_gate gates[ER_GATES];
  int32_t cell_exponent; /* cell = stored * 2^cell_exponent, -15..-9 */
  int32_t cell_clip;     /* largest magnitude of a stored cell; 0: not clipped */
  er_fixed hidden_scale; /* from gate * tanh(cell), in units of 2^-30, to the state's scale */
  int32_t hidden_zero;
} er_lstm;

/** @param input [inputs]  @param state [cells] in and out  @param cell [cells] in and out
 * @param scratch [ER_GATES * cells] */
void er_lstm_step(const er_lstm *lstm, const int8_t *input, int8_t *state, int16_t *cell,
                  int16_t *scratch);

#endif
