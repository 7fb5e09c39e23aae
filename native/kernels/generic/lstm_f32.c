#include "lstm_f32.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "float.h"

static float dot(int32_t count, const float *a, const float *b) {
  float sums[8] = {0};
  int32_t i = 0;
  for (; i + 8 <= count; i += 8) {
    for (int32_t j = 0; j < 8; ++j) sums[j] += a[i + j] * b[i + j];
  }
  float sum = 0;
  for (; i < count; ++i) sum += a[i] * b[i];
  for (int32_t j = 0; j < 8; ++j) sum += sums[j];
  return sum;
}

static float clip(float x, float bound) {
  return bound <= 0 ? x : x > bound ? bound : x < -bound ? -bound : x;
}

static void activate(const er_lstm_f32 *lstm, const float *in, float *out) {
  if (lstm->has_activation) {
    er_unary_f32(lstm->activation, 0, lstm->cells, in, out);
  } else if (in != out) {
    memcpy(out, in, (size_t)lstm->cells * sizeof *out);
  }
}

/* W x + R h + b + p * c, then the sigmoid, or the activation for the cell gate. */
static void fill_gate(const er_lstm_f32 *lstm, int32_t gate, const float *input, const float *state,
                      const float *cell, float *out) {
  const float *weights = lstm->input_weights[gate], *recurrent = lstm->recurrent_weights[gate];
  const float *peephole = lstm->peephole[gate];
  for (int32_t u = 0; u < lstm->cells; ++u) {
    out[u] = lstm->bias[gate][u] + dot(lstm->inputs, weights + (int64_t)u * lstm->inputs, input) +
             dot(lstm->outputs, recurrent + (int64_t)u * lstm->outputs, state);
    if (peephole != NULL) out[u] += peephole[u] * cell[u];
  }
  if (gate == ER_CELL_GATE) {
    activate(lstm, out, out);
  } else {
    er_unary_f32(ER_LOGISTIC, 0, lstm->cells, out, out);
  }
}

/* The gates live in scratch in the order of ER_INPUT_GATE ..; the input gate's place first serves
 * the coupled value, at last act(c). */
void er_lstm_step_f32(const er_lstm_f32 *lstm, const float *input, float *state, float *cell,
                      float *scratch) {
  const int32_t cells = lstm->cells;
  float *in = scratch, *forget = in + cells, *fresh = forget + cells, *out = fresh + cells;
  fill_gate(lstm, ER_FORGET_GATE, input, state, cell, forget);
  fill_gate(lstm, ER_CELL_GATE, input, state, cell, fresh);
  if (lstm->input_weights[ER_INPUT_GATE] != NULL) {
    fill_gate(lstm, ER_INPUT_GATE, input, state, cell, in);
  } else {
    for (int32_t u = 0; u < cells; ++u) in[u] = 1 - forget[u];
  }
  for (int32_t u = 0; u < cells; ++u) {
    cell[u] = clip(forget[u] * cell[u] + in[u] * fresh[u], lstm->cell_clip);
  }
  fill_gate(lstm, ER_OUTPUT_GATE, input, state, cell, out);
  activate(lstm, cell, in);
  for (int32_t u = 0; u < cells; ++u) out[u] *= in[u];
  if (lstm->projection == NULL) {
    memcpy(state, out, (size_t)cells * sizeof *state);
    return;
  }
  for (int32_t o = 0; o < lstm->outputs; ++o) {
    const float start = lstm->projection_bias != NULL ? lstm->projection_bias[o] : 0;
    state[o] =
        clip(start + dot(cells, lstm->projection + (int64_t)o * cells, out), lstm->projection_clip);
  }
}
