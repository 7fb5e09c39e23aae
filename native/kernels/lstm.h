/* One time step of an LSTM for one sequence (Hochreiter and Schmidhuber 1997, with the forget gate of
 * Gers et al. 2000):
 *   i, f, o = sigmoid(W x + R h + b),  g = act(W x + R h + b),
 *   c = f * c + i * g,  h = o * act(c), projected where there is a projection. */
#ifndef ER_KERNELS_LSTM_H
#define ER_KERNELS_LSTM_H

#include <stdbool.h>

#include "rounding.h"
#include "shapes.h"

enum { ER_GATE_INPUT, ER_GATE_FORGET, ER_GATE_CELL, ER_GATE_OUTPUT, ER_GATES };

/* Gates are in the order of ER_GATE_*; the input gate's pointers are NULL when it is 1 - forget
 * (coupled gates). */
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

/* int8 inputs, outputs and weights, int16 gates (Q3.12) and cells (a power of two as their scale),
 * to the bits of LiteRT. No peepholes, no projection. */
typedef struct er_lstm_s8 {
  int32_t inputs, cells;
  const int8_t *input_weights[ER_GATES];     /* [cells, inputs] */
  const int8_t *recurrent_weights[ER_GATES]; /* [cells, cells] */
  const int32_t *input_bias[ER_GATES];       /* [cells], input zero point folded in */
  const int32_t *recurrent_bias[ER_GATES];   /* [cells], state zero point folded in */
  er_fixed input_scale[ER_GATES];            /* accumulators to Q3.12 */
  er_fixed recurrent_scale[ER_GATES];
  int32_t cell_integer_bits; /* m: cells are Qm.(15 - m) */
  int32_t cell_clip;         /* stored bound of |c|; 0: none */
  er_fixed hidden_scale;     /* gate * tanh(c), Q0.30, to the output's scale */
  int32_t hidden_zero_point;
} er_lstm_s8;

/** @param input [inputs]  @param state [cells] h, updated  @param cell [cells] c, updated
 * @param scratch [ER_GATES * cells] */
void er_lstm_step_s8(const er_lstm_s8 *lstm, const int8_t *input, int8_t *state, int16_t *cell,
                     int16_t *scratch);

/** sigmoid of a Q3.12 number as Q0.15, by the fixed-point series of Jacob et al. (gemmlowp). */
int16_t er_logistic_q15(int16_t x);
/** tanh of a Qm.(15 - m) number as Q0.15. @param m 0..6 */
int16_t er_tanh_q15(int16_t x, int32_t m);

#endif
