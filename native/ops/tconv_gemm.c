#include "tconv_gemm.h"

#include <string.h>

enum { MOST_PHASES = 256 };

/* The taps first, first + stride, ... of a filter's line or column that a phase meets. */
typedef struct er_taps {
  int32_t first, count;
  int32_t before; /* how many of the image's pixels they begin before the phase's own */
} er_taps;

/* Output pixel q * stride + phase meets tap k at input pixel q + (phase + pad - k) / stride. */
static er_taps taps_of(int32_t phase, int32_t pad, int32_t stride, int32_t filter) {
  const int64_t at = (int64_t)phase + pad;
  const int32_t first = (int32_t)(at % stride);
  const int32_t count = (int32_t)(((int64_t)filter - first + stride - 1) / stride);
  return (er_taps){first, count, (int32_t)(count - 1 - at / stride)};
}

static int32_t phases_of(int32_t stride, int32_t out) { return stride < out ? stride : out; }

static bool fit(int32_t pad, int32_t stride, int32_t filter, int32_t out) {
  if (stride > filter || phases_of(stride, out) > MOST_PHASES) return false;
  for (int32_t phase = 0; phase < phases_of(stride, out); phase++) {
    if (taps_of(phase, pad, stride, filter).before < 0) return false;
  }
  return true;
}

bool er_tconv_has_phases(const er_conv_shape *s) {
  return fit(s->pad_top, s->stride_h, s->filter_h, s->out_h) &&
         fit(s->pad_left, s->stride_w, s->filter_w, s->out_w) &&
         phases_of(s->stride_h, s->out_h) * phases_of(s->stride_w, s->out_w) <= MOST_PHASES;
}

/* @param weights [out_c, filter_h, filter_w, in_c]
 * @param[out] taken [out_c, h.count, w.count, in_c] the phase's taps, the last one first */
static void take(const er_conv_shape *s, er_taps h, er_taps w, size_t element, const char *weights,
                 char *taken) {
  const size_t tap = (size_t)s->in_c * element;
  for (int32_t unit = 0; unit < s->out_c; unit++) {
    for (int32_t i = h.count - 1; i >= 0; i--) {
      const int64_t line = (int64_t)unit * s->filter_h + h.first + (int64_t)i * s->stride_h;
      for (int32_t j = w.count - 1; j >= 0; j--, taken += tap) {
        const int64_t at = line * s->filter_w + w.first + (int64_t)j * s->stride_w;
        memcpy(taken, weights + (size_t)at * tap, tap);
      }
    }
  }
}

static er_conv_shape phase_shape(const er_conv_shape *whole, int32_t y, int32_t x, er_taps h,
                                 er_taps w) {
  er_conv_shape s = *whole;
  s.filter_h = h.count;
  s.filter_w = w.count;
  s.pad_top = h.before;
  s.pad_left = w.before;
  s.out_h = (int32_t)(((int64_t)s.out_h - y + s.stride_h - 1) / s.stride_h);
  s.out_w = (int32_t)(((int64_t)s.out_w - x + s.stride_w - 1) / s.stride_w);
  s.stride_h = s.stride_w = 1;
  return s;
}

/* @param weights of the whole filter, int8 or float32 as `type` says */
static edgert_status plan_phase(er_plan *plan, const er_tconv_gemm *conv, int32_t phase,
                                const er_linear_tensors *tensors, const er_linear *linear,
                                edgert_type type, const void *weights) {
  const er_conv_shape *s = &conv->shape;
  const int32_t y = phase / conv->phases_w, x = phase % conv->phases_w;
  const er_taps h = taps_of(y, s->pad_top, s->stride_h, s->filter_h);
  const er_taps w = taps_of(x, s->pad_left, s->stride_w, s->filter_w);
  const size_t element = type == EDGERT_INT8 ? sizeof(int8_t) : sizeof(float);
  er_tensor part = *tensors->weights;
  part.type = type;
  part.dims[1] = h.count;
  part.dims[2] = w.count;
  part.count = (int64_t)s->out_c * h.count * w.count * s->in_c;
  char *taken = er_plan_borrow(plan, (size_t)part.count * element);
  if (!taken) return er_plan_no_memory(plan);
  take(s, h, w, element, weights, taken);
  part.constant = taken;
  er_linear_tensors of_phase = *tensors;
  of_phase.weights = &part;
  const er_conv_shape shape = phase_shape(s, y, x, h, w);
  er_conv_gemm *gemm = &conv->phases[phase];
  if (er_tconv_is_conv(conv)) {
    return er_conv_neighbours_plan(plan, &shape, &of_phase, linear, gemm);
  }
  ER_TRY(er_conv_gemm_plan(plan, &shape, &of_phase, linear, gemm));
  gemm->pixel_step = (int64_t)s->stride_w * s->out_c;
  return EDGERT_OK;
}

edgert_status er_tconv_gemm_plan(er_plan *plan, const er_conv_shape *shape,
                                 const er_linear_tensors *tensors, const er_linear *linear,
                                 er_tconv_gemm *conv) {
  *conv = (er_tconv_gemm){.shape = *shape,
                          .phases_h = phases_of(shape->stride_h, shape->out_h),
                          .phases_w = phases_of(shape->stride_w, shape->out_w)};
  const int32_t phases = conv->phases_h * conv->phases_w;
  const bool floats = linear->arithmetic == ER_FLOAT_LINEAR;
  const void *weights = floats ? (const void *)er_float_weights(plan, tensors->weights)
                               : er_weights_as_int8(plan, tensors->weights);
  conv->phases = er_plan_alloc(plan, (size_t)phases * sizeof *conv->phases);
  if (!weights || !conv->phases) return er_plan_no_memory(plan);
  for (int32_t i = 0; i < phases; i++) {
    ER_TRY(
        plan_phase(plan, conv, i, tensors, linear, floats ? EDGERT_FLOAT32 : EDGERT_INT8, weights));
    const size_t bytes = conv->phases[i].thread_bytes;
    if (bytes > conv->thread_bytes) conv->thread_bytes = bytes;
  }
  conv->thread_bytes = er_align_up(conv->thread_bytes);
  return EDGERT_OK;
}

void er_tconv_gemm_line(const er_tconv_gemm *conv, const void *input, int32_t line, char *output,
                        void *scratch) {
  const er_conv_shape *s = &conv->shape;
  const int32_t image = line / s->out_h, y = line % s->out_h;
  const er_conv_gemm *phase = conv->phases + y % s->stride_h * conv->phases_w;
  const size_t pixel = (size_t)s->out_c * er_conv_gemm_element_bytes(phase);
  char *to = output + (size_t)line * (size_t)s->out_w * pixel;
  for (int32_t x = 0; x < conv->phases_w; x++, phase++, to += pixel) {
    const int32_t width = phase->shape.out_w;
    const int32_t first = (image * phase->shape.out_h + y / s->stride_h) * width;
    er_conv_gemm_pixels(phase, input, first, first + width, to, scratch);
  }
}
