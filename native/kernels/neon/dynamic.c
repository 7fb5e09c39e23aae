/* Dynamic quantization with NEON. Of a comparison with NaN nothing is taken, as in the generic
 * kernel: BSL, for FMIN would give NaN. */
#ifdef __aarch64__
#include "kernels/dynamic.h"

#include "kernels/generic/generic.h"
#include "kernels/neon/layer.h"
#include "kernels/neon/settle.h"

ER_INLINE float32x4_t less_of(float32x4_t a, float32x4_t b) {
  return vbslq_f32(vcltq_f32(a, b), a, b);
}

ER_INLINE float32x4_t more_of(float32x4_t a, float32x4_t b) {
  return vbslq_f32(vcgtq_f32(a, b), a, b);
}

static void find_range(int64_t count, const float *input, float *low, float *high) {
  float32x4_t lows = vdupq_n_f32(0.0f), highs = lows;
  int64_t i = 0;
  for (; i + 4 <= count; i += 4) {
    const float32x4_t x = vld1q_f32(input + i);
    lows = less_of(x, lows);
    highs = more_of(x, highs);
  }
  *low = vminvq_f32(lows);
  *high = vmaxvq_f32(highs);
  for (; i < count; i++) {
    *low = input[i] < *low ? input[i] : *low;
    *high = input[i] > *high ? input[i] : *high;
  }
}

/* The grid of a row. */
typedef struct er_grid {
  float32x4_t inverse, least, most;
  int32x4_t zero_point;
} er_grid;

/* er_settle of four; NaN gives `least`. */
ER_INLINE int32x4_t settle(const float *input, const er_grid *g) {
  const float32x4_t value = vmulq_f32(vld1q_f32(input), g->inverse);
  const float32x4_t bounded = less_of(more_of(value, g->least), g->most);
  return vaddq_s32(vcvtnq_s32_f32(bounded), g->zero_point);
}

er_row_quant er_quantize_row_neon(int64_t count, const float *input, int8_t *output) {
  float low, high;
  find_range(count, input, &low, &high);
  const float inverse = er_inverse_scale(low, high);
  const int32_t zero_point = er_row_zero_point(low * inverse, high * inverse);
  const er_grid g = {vdupq_n_f32(inverse), vdupq_n_f32((float)(-128 - zero_point)),
                     vdupq_n_f32((float)(127 - zero_point)), vdupq_n_s32(zero_point)};
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    const int16x8_t wide =
        vcombine_s16(vmovn_s32(settle(input + i, &g)), vmovn_s32(settle(input + i + 4, &g)));
    vst1_s8(output + i, vmovn_s16(wide));
  }
  for (; i < count; i++) output[i] = (int8_t)er_settle(input[i] * inverse, zero_point, -128, 127);
  return (er_row_quant){1.0f / inverse, zero_point};
}

/* Four units of a row from unit u on. */
ER_INLINE void scale_four(const er_scale_sums_call *c, er_row_quant quant, const int32_t *sums,
                          int32_t u, float *output) {
  const int32x4_t less = vmulq_n_s32(vld1q_s32(c->weight_sums + u), quant.zero_point);
  const float32x4_t sum = vcvtq_f32_s32(vsubq_s32(vld1q_s32(sums + u), less));
  const float32x4_t bias = c->bias ? vld1q_f32(c->bias + u) : vdupq_n_f32(0.0f);
  const float32x4_t value =
      vfmaq_f32(bias, vmulq_n_f32(sum, quant.scale), vld1q_f32(c->weight_scale + u));
  const float32x4_t low = vdupq_n_f32(c->low), high = vdupq_n_f32(c->high);
  const float32x4_t raised = vbslq_f32(vcltq_f32(value, low), low, value);
  vst1q_f32(output + u, vbslq_f32(vcgtq_f32(raised, high), high, raised));
}

void er_scale_sums_neon(const er_scale_sums_call *c) {
  const int32_t whole = c->units / 4 * 4;
  for (int32_t r = 0; r < c->rows; r++) {
    const int32_t *sums = c->sums + r * c->sums_stride;
    for (int32_t u = 0; u < whole; u += 4) {
      scale_four(c, c->quant[r], sums, u, c->output + r * c->output_stride);
    }
  }
  if (whole == c->units) return;
  er_scale_sums_call rest = *c;
  rest.units -= whole;
  rest.sums += whole, rest.weight_sums += whole, rest.weight_scale += whole, rest.output += whole;
  if (rest.bias) rest.bias += whole;
  er_scale_sums(&rest);
}
#endif
