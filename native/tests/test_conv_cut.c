/* Convolutions that multiply patches where they lie and leave padding out, as planned, padded
 * further by a fused PAD and split among threads, against sums over the image pixel by pixel. */
#include <math.h>

#include "check.h"
#include "ops/conv_winograd.h"
#include "plan.h"
#include "random_numbers.h"

enum { ROUNDS = 400 };

static int32_t bare_count, cut_count;

static int32_t most_of(int32_t a, int32_t b) { return a > b ? a : b; }

/* Output pixels of a direction: the last window begins in the image or on its padding. */
static int32_t random_out(int32_t in, int32_t before, int32_t filter, int32_t stride) {
  const int32_t room = in + before + random_from(0, filter) - filter;
  return most_of(room, 0) / stride + 1;
}

static er_conv_shape random_shape(void) {
  static const int32_t channels[] = {1, 3, 8, 16, 16, 32};
  er_conv_shape s = {.batch = random_from(1, 2), .multiplier = 1, .dilation_h = 1, .dilation_w = 1};
  s.groups = random_from(0, 7) ? 1 : 2;
  s.filter_c = channels[random_from(0, 5)];
  s.in_c = s.groups * s.filter_c;
  s.out_c = s.groups * (random_from(0, 2) ? 8 * random_from(1, 3) : random_from(1, 20));
  s.filter_h = random_from(1, random_from(0, 3) ? 4 : 8), s.filter_w = random_from(1, 8);
  s.stride_h = random_from(1, 3), s.stride_w = random_from(1, 3);
  s.in_h = random_from(1, 14), s.in_w = random_from(1, 40);
  s.pad_top = random_from(0, s.filter_h), s.pad_left = random_from(0, s.filter_w);
  s.out_h = random_out(s.in_h, s.pad_top, s.filter_h, s.stride_h);
  s.out_w = random_out(s.in_w, s.pad_left, s.filter_w, s.stride_w);
  if (s.out_w > 8 && random_from(0, 7)) s.out_w -= s.out_w % 4;
  return s;
}

/* As it is before a PAD around it is fused: all windows lie in the image. */
static er_conv_shape outside_of_pad(const er_conv_shape *s) {
  er_conv_shape padded = *s;
  padded.in_h = most_of(s->in_h + s->pad_top, (s->out_h - 1) * s->stride_h + s->filter_h);
  padded.in_w = most_of(s->in_w + s->pad_left, (s->out_w - 1) * s->stride_w + s->filter_w);
  padded.pad_top = padded.pad_left = 0;
  return padded;
}

static int32_t sum_at(const er_conv_shape *s, const int8_t *input, const int8_t *filter,
                      int32_t zero_point, int32_t image, int32_t y, int32_t x, int32_t group) {
  int32_t sum = 0;
  for (int32_t i = 0; i < s->filter_h; i++) {
    for (int32_t j = 0; j < s->filter_w; j++, filter += s->filter_c) {
      const int32_t line = y + i, column = x + j;
      if (line < 0 || line >= s->in_h || column < 0 || column >= s->in_w) continue;
      const int8_t *pixel = input + ((image * s->in_h + line) * s->in_w + column) * s->in_c;
      for (int32_t c = 0; c < s->filter_c; c++) {
        sum += (pixel[group * s->filter_c + c] - zero_point) * filter[c];
      }
    }
  }
  return sum;
}

/* @param[out] output [batch, out_h, out_w, out_c] */
static void convolve(const er_conv_shape *s, const er_linear *linear, const int8_t *input,
                     const int8_t *values, int8_t *output) {
  const int32_t depth = s->filter_h * s->filter_w * s->filter_c;
  for (int32_t at = 0; at < s->batch * s->out_h * s->out_w; at++) {
    const int32_t x = at % s->out_w, line = at / s->out_w;
    for (int32_t u = 0; u < s->out_c; u++) {
      const int32_t sum = linear->requant.bias[u] +
                          sum_at(s, input, values + u * depth, linear->zero_point, line / s->out_h,
                                 line % s->out_h * s->stride_h - s->pad_top,
                                 x * s->stride_w - s->pad_left, u / (s->out_c / s->groups));
      const float q = rintf((float)sum * linear->requant.scale[u]) + 5.0f;
      *output++ = (int8_t)(q < -128 ? -128 : q > 127 ? 127 : q);
    }
  }
}

/* The image and the places as a fused PAD leaves them; neighbouring pixels may be channels. */
static void pad_again(const er_conv_shape *s, er_conv_gemm *conv) {
  conv->shape.in_h = s->in_h, conv->shape.in_w = s->in_w;
  conv->shape.pad_top = s->pad_top, conv->shape.pad_left = s->pad_left;
  er_conv_gemm_resize(conv);
}

/* In as many parts as threads would. */
static void run_parts(const er_conv_gemm *conv, const int8_t *input, int8_t *output) {
  const er_conv_shape *s = &conv->shape;
  const int32_t pixels = s->batch * s->out_h * s->out_w, row_step = er_conv_gemm_row_step(conv);
  const int32_t step = random_from(0, 1) || er_is_winograd(conv) ? row_step : s->out_w;
  for (int32_t first = 0, last; first < pixels; first = last) {
    const int64_t end = first + (int64_t)step * random_from(1, pixels / step + 1);
    last = end < pixels ? (int32_t)end : pixels;
    void *scratch = take(conv->thread_bytes, 0);
    er_conv_gemm_pixels(conv, input, first, last, output + (int64_t)first * s->out_c, scratch);
    free(scratch);
  }
}

static void compare(er_plan *plan) {
  const er_conv_shape s = random_shape(), outside = outside_of_pad(&s);
  const size_t weights = (size_t)(s.out_c * s.filter_h * s.filter_w * s.filter_c);
  const size_t bytes = (size_t)(s.batch * s.in_h * s.in_w * s.in_c);
  const size_t results = (size_t)(s.batch * s.out_h * s.out_w * s.out_c);
  int8_t *input = take(bytes, ER_OVERREAD), *values = take(weights, 0);
  int8_t *expected = take(results, 0), *actual = take(results, 0);
  int32_t *bias = take((size_t)s.out_c * sizeof *bias, 0), zero = 0;
  float *scale = take((size_t)s.out_c * sizeof *scale, 0), one = 1.0f;
  random_int8(input, bytes, -128, 127), random_int8(values, weights, -127, 127);
  for (int32_t u = 0; u < s.out_c; u++) {
    bias[u] = random_from(-1000, 1000), scale[u] = (float)random_from(1, 100) / 1e5f;
  }
  const er_tensor tensor = {.name = "w",
                            .type = EDGERT_INT8,
                            .rank = 4,
                            .dims = {s.out_c, s.filter_h, s.filter_w, s.filter_c},
                            .count = (int64_t)weights,
                            .bytes = weights,
                            .quant = {.count = 1, .scale = &one, .zero_point = &zero},
                            .constant = values};
  const er_linear linear = {.arithmetic = ER_S8_LINEAR,
                            .type = EDGERT_INT8,
                            .zero_point = random_from(-128, 127),
                            .requant = {scale, bias, 5, -128, 127}};
  const er_linear_tensors tensors = {.weights = &tensor, .units = s.out_c};
  const bool fused = random_from(0, 1);
  er_conv_gemm conv;
  CHECK(er_conv_neighbours_plan(plan, fused ? &outside : &s, &tensors, &linear, &conv) ==
        EDGERT_OK);
  if (fused) pad_again(&s, &conv);
  convolve(&s, &linear, input, values, expected);
  run_parts(&conv, input, actual);
  bare_count += conv.bare, cut_count += conv.cut_sums != NULL;
  if (memcmp(expected, actual, results) != 0) {
    fprintf(stderr,
            "%s%s: image %dx%dx%d, filter %dx%d, stride %dx%d, padding %d and %d, output "
            "%dx%dx%d\n",
            er_conv_gemm_kernel(&conv), conv.bare ? ", bare" : "", s.in_h, s.in_w, s.in_c,
            s.filter_h, s.filter_w, s.stride_h, s.stride_w, s.pad_top, s.pad_left, s.out_h, s.out_w,
            s.out_c);
  }
  CHECK(memcmp(expected, actual, results) == 0);
  free(input), free(values), free(expected), free(actual), free(bias), free(scale);
  er_memory_release(&plan->borrowed), er_memory_release(&plan->session->memory);
}

int main(void) {
  const char *isa;
  for (int32_t i = 0; (isa = er_kernels_isa(i)) != NULL; i++) {
    edgert_session session = {.memory = er_memory_from(NULL, 0)};
    er_message why = {0};
    er_plan plan = {&session, &why, er_memory_from(NULL, 0), er_memory_from(NULL, 0), 0};
    CHECK(er_kernels_for(isa, &session.kernels));
    bare_count = cut_count = 0;
    for (int32_t round = 0; round < ROUNDS; round++) {
      random_state = (uint64_t)round + 1;
      compare(&plan);
    }
    printf("%s: %d without padding's columns, %d without its lines\n", isa, bare_count, cut_count);
    CHECK(!session.kernels.gemm_s8.cuts || bare_count > ROUNDS / 50);
  }
  return check_result();
}
