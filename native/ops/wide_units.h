/* Finding the output channels of kernels/wide_units.h. */
#ifndef ER_OPS_WIDE_UNITS_H
#define ER_OPS_WIDE_UNITS_H

#include "kernels/wide_units.h"
#include "linear.h"

/** @return whether all units but a few have weights that fit: the fast kernels pay. */
bool er_few_wide_units(const er_linear_tensors *tensors);
/** Collect them; none where the weights are no uint8. */
edgert_status er_take_wide_units(er_plan *plan, const er_linear_tensors *tensors,
                                 const er_linear *linear, er_wide_units *wide);

#endif
