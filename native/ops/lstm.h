/* The float half of UNIDIRECTIONAL_SEQUENCE_LSTM; lstm.c has the int8 half and the operator. */
#ifndef ER_OPS_LSTM_H
#define ER_OPS_LSTM_H

#include "op.h"

/* Numbers of the operator's inputs; the four gates follow each other. */
enum {
  INPUT_X,
  INPUT_WEIGHTS,
  INPUT_RECURRENT = 5,
  INPUT_PEEPHOLES = 9,
  INPUT_BIAS = 12,
  INPUT_PROJECTION = 16,
  INPUT_STATE = 18,
  INPUT_CELL = 19,
  INPUT_LAYER_NORM = 20,
  INPUT_COUNT = 24
};
enum { SLOT_ACTIVATION, SLOT_CELL_CLIP, SLOT_PROJECTION_CLIP, SLOT_TIME_MAJOR };

edgert_status er_prepare_lstm_f32(er_plan *plan, er_node *node);
edgert_status er_run_lstm_f32(const er_run *run, const er_node *node);

#endif
