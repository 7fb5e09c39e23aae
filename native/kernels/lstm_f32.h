/* One time step of a float LSTM for one sequence (Hochreiter and Schmidhuber 1997, with the forget
 * gate and peepholes of Gers et al. 2000):
 *   i, f, o = sigmoid(W x + R h + p * c + b),  g = act(W x + R h + b),
 *   c = f * c + i * g,  h = o * act(c), projected where there is a projection. */
#ifndef ER_LSTM_F32_H
#define ER_LSTM_F32_H

#include "lstm.h"
#include "shapes.h"

/* Arrays are in the order of ER_INPUT_GATE ..; the input gate's weights are NULL when it is 1 minus
 * the forget gate (coupled gates). */
typedef struct er_lstm_f32 {
  int32_t inputs, cells, outputs;            /* outputs == cells without a projection */
  const float *input_weights[ER_GATES];      /* [cells, inputs] */
  const float *recurrent_weights[ER_GATES];  /* [cells, outputs] */
  const float *peephole[ER_GATES];           /* [cells], or NULL */
  const float *bias[ER_GATES];               /* [cells] */
  const float *projection, *projection_bias; /* [outputs, cells], [outputs], or NULL */
  float cell_clip, projection_clip;          /* bounds of |c| and |h|; 0: none */
  bool has_activation;
  er_unary activation; /* of g and of c */
} er_lstm_f32;

/** @param input [inputs]  @param state [outputs] h, updated  @param cell [cells] c, updated
 * @param scratch [ER_GATES * cells] */
void er_lstm_step_f32(const er_lstm_f32 *lstm, const float *input, float *state, float *cell,
                      float *scratch);

#endif
