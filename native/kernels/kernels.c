/* Which kernels run on this machine: generic C, overlaid by one layer after the other. */
#include "kernels/kernels.h"

#include <string.h>

#include "kernels/copy.h"
#include "kernels/generic/generic.h"
#include "kernels/layers.h"
#include "kernels/wide_units.h"

static void add_generic(er_kernels *kernels) {
  *kernels = (er_kernels){
      .gemm_s8 = er_gemm_s8_generic,
      .gemm_w4 = er_gemm_s8_generic,
      .gemm_sums = er_gemm_s8_generic,
      .gemm_w4b = er_gemm_w4b_generic,
      .quantize_row = er_quantize_row,
      .scale_sums = er_scale_sums,
      .dwconv_s8 = er_dwconv_s8_generic,
      .gemv_s8 = {"gemv_s8_generic", er_gemv_s8_generic},
      .gemm_f32 = er_gemm_f32_generic,
      .winograd_f32 = {"winograd_f32_generic", er_winograd_patch_f32, er_winograd_outputs_f32},
      .dwconv_f32 = {"dwconv_f32_generic", er_dwconv_f32_generic},
      .fc_f32 = {"fc_f32_generic", er_fc_f32},
      .gemm_wide_s8 = er_gemm_wide_s8,
      .dwconv_wide_s8 = er_dwconv_wide_s8,
      .batch_matmul = er_batch_matmul,
      .wide_units_rows = er_wide_units_rows,
      .wide_units_line = er_wide_units_line,
      .add_row_s8 = er_add_row_s8,
      .mul_row_s8 = er_mul_row_s8,
      .fixed_binary_row = er_fixed_binary_row,
      .lookup = er_lookup,
      .quantize = er_quantize,
      .dequantize = er_dequantize,
      .sum = er_sum,
      .average_pool = er_average_pool,
      .max_pool = er_max_pool,
      .max_pool_f32 = er_max_pool_f32,
      .softmax_s8 = er_softmax_s8,
      .resize_bilinear = er_resize_bilinear,
      .softmax_f32 = er_softmax_f32,
      .layer_norm_f32 = er_layer_norm_f32,
      .unary_f32 = er_unary_f32,
      .binary_f32 = er_binary_f32,
      .reduce_f32 = er_reduce_f32,
      .extreme = er_extreme,
      .integer_binary_row = er_integer_binary_row,
      .compare_for = er_compare_for,
      .select = er_select,
      .copy_strided = er_copy_strided,
      .cast = er_cast,
      .arg_extreme_for = er_arg_extreme_for,
      .average_pool_f32 = er_average_pool_f32};
}

static bool always(void) { return true; }

/* In this order: each layer may lean on those before it. */
static const struct layer {
  const char *isa;
  bool (*runs_here)(void);
  void (*add)(er_kernels *kernels);
} layers[] = {
    {"generic", always, add_generic},
#define ER_LAYER(isa) {#isa, er_has_##isa, er_add_##isa},
#include "kernels/layers.def"
#undef ER_LAYER
};

enum { LAYERS = sizeof layers / sizeof layers[0] };

const char *er_kernels_isa(int32_t i) {
  for (int32_t layer = 0; layer < LAYERS; layer++) {
    if (layers[layer].runs_here() && i-- == 0) return layers[layer].isa;
  }
  return NULL;
}

bool er_kernels_for(const char *isa, er_kernels *kernels) {
  const bool best = !isa || !*isa;
  bool found = best;
  for (int32_t layer = 0; layer < LAYERS; layer++) {
    if (!layers[layer].runs_here()) continue;
    layers[layer].add(kernels);
    kernels->isa = layers[layer].isa;
    if (best || strcmp(isa, kernels->isa) != 0) continue;
    found = true;
    break;
  }
  return found;
}
