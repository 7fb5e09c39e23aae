#include "dwconv_gemm.h"

#include <string.h>

bool er_is_dwconv_gemm(const er_conv_shape *shape, const er_linear_tensors *tensors,
                       const er_linear *linear) {
  if (shape->in_c != 1 || !tensors->weights->constant) return false;
  if (tensors->bias && !tensors->bias->constant) return false;
  if (linear->arithmetic == ER_FLOAT_LINEAR) return true;
  return er_is_fast(tensors, linear) && er_has_plain_integers(tensors->weights);
}

/* From [taps, units] to [units, taps]. */
static void transpose(int64_t taps, int64_t units, size_t bytes, const char *from, char *to) {
  for (int64_t u = 0; u < units; u++) {
    for (int64_t t = 0; t < taps; t++) {
      memcpy(to + (size_t)(u * taps + t) * bytes, from + (size_t)(t * units + u) * bytes, bytes);
    }
  }
}

/* The weights as those of CONV_2D: one a byte, or floats. */
static edgert_status turn_weights(er_plan *plan, const er_linear_tensors *tensors, bool floats,
                                  er_tensor *turned) {
  const er_tensor *weights = tensors->weights;
  const size_t bytes = floats ? sizeof(float) : 1;
  const void *values = floats ? (const void *)er_float_weights(plan, weights)
                              : (const void *)er_weights_as_int8(plan, weights);
  char *to = er_plan_borrow(plan, (size_t)weights->count * bytes);
  if (!values || !to) return er_plan_no_memory(plan);
  transpose(weights->count / tensors->units, tensors->units, bytes, values, to);
  *turned = *weights;
  turned->type = floats ? EDGERT_FLOAT32 : EDGERT_INT8;
  turned->constant = to;
  return EDGERT_OK;
}

edgert_status er_dwconv_gemm_plan(er_plan *plan, const er_conv_shape *shape,
                                  const er_linear_tensors *tensors, const er_linear *linear,
                                  er_conv_gemm *conv) {
  er_tensor turned;
  ER_TRY(turn_weights(plan, tensors, linear->arithmetic == ER_FLOAT_LINEAR, &turned));
  er_linear_tensors ordinary = *tensors;
  ordinary.weights = &turned;
  er_conv_shape image = *shape;
  image.multiplier = 1;
  return er_conv_gemm_plan(plan, &image, &ordinary, linear, conv);
}
