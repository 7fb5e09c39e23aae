/* FULLY_CONNECTED of floats with integer weights, rows quantized one by one while running. */
#ifndef ER_OPS_FC_DYNAMIC_H
#define ER_OPS_FC_DYNAMIC_H

#include "dynamic.h"

/** @return bytes of scratch for all threads */
size_t er_fc_dynamic_scratch(const er_dynamic *dynamic, int32_t rows, int32_t threads);
/** @param input [rows, depth]  @param bias [units], or NULL  @param output [rows, units] */
void er_fc_dynamic_run(const er_run *run, const er_dynamic *dynamic, int32_t rows,
                       const float *input, const float *bias, float *output);

#endif
