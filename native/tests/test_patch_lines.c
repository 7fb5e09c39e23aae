/* Patches multiplied where they lie, against the same patches gathered first. */
#include "check.h"
#include "ops/patch_lines.h"
#include "random_numbers.h"

enum { ROUNDS = 200, UNITS = 3 };

static er_conv_shape random_shape(void) {
  er_conv_shape s = {.batch = random_from(1, 2), .groups = 1, .multiplier = 1, .dilation_h = 1};
  s.dilation_w = 1;
  s.in_h = random_from(1, 12), s.in_w = random_from(1, 12);
  s.in_c = s.filter_c = random_from(1, 9), s.out_c = UNITS;
  s.filter_h = random_from(1, 5), s.filter_w = random_from(1, 5);
  s.stride_h = random_from(1, 3), s.stride_w = random_from(1, 3);
  s.pad_top = random_from(0, s.filter_h - 1), s.pad_left = random_from(0, s.filter_w - 1);
  s.out_h = (s.in_h + s.pad_top + random_from(0, s.filter_h - 1)) / s.stride_h + 1;
  s.out_w = (s.in_w + s.pad_left + random_from(0, s.filter_w - 1)) / s.stride_w + 1;
  return s;
}

/* One line of output pixels from pieces. */
static void in_place(const er_gemm_s8_call *like, const er_conv_shape *s, const er_gemm_s8 *gemm,
                     const er_patch_lines *lines, const int8_t *from, int8_t *output) {
  er_gemm_s8_call call = *like;
  call.rows = s->out_w;
  call.input = from;
  call.input_stride = (int64_t)s->stride_w * s->in_c;
  call.segments = s->filter_h;
  call.segment_stride = (int64_t)lines->line_bytes;
  call.output = output;
  gemm->run(&call);
}

static void compare(const er_gemm_s8 *gemm) {
  const er_conv_shape s = random_shape();
  const int32_t depth = s.filter_h * s.filter_w * s.in_c, image = s.out_h * s.out_w;
  const size_t in_bytes = (size_t)(s.batch * s.in_h * s.in_w * s.in_c);
  const size_t results = (size_t)(s.batch * image * UNITS);
  int8_t *input = take(in_bytes, ER_OVERREAD), *values = take((size_t)(UNITS * depth), 0);
  int8_t *rows = take((size_t)(s.batch * image * depth), ER_OVERREAD);
  int8_t *expected = take(results, 0), *actual = take(results, 0);
  random_int8(input, in_bytes, -128, 127);
  random_int8(values, (size_t)(UNITS * depth), -127, 127);
  const int32_t bias[UNITS] = {0, 100, -100};
  const float scale[UNITS] = {0.01f, 0.002f, 0.03f};
  const er_range_s8 range = {3, -128, 127};
  const int8_t zero_point = (int8_t)random_from(-128, 127);
  void *packed = take(gemm->packed_bytes(UNITS, depth), 0);
  gemm->pack(&(er_weights_s8){UNITS, depth, values, bias, scale, zero_point, range}, packed);

  er_im2col_s8(&s, zero_point, input, 0, 0, s.batch * image, rows);
  er_gemm_s8_call call = {.rows = s.batch * image,
                          .depth = depth,
                          .units = UNITS,
                          .input = rows,
                          .input_stride = depth,
                          .packed = packed,
                          .last = UNITS,
                          .range = range,
                          .output = expected,
                          .output_stride = UNITS};
  gemm->run(&call);

  const er_patch_lines lines = er_patch_lines_of(&s, (size_t)random_from(1, 2000));
  int8_t *scratch = take(lines.thread_bytes, 0);
  for (int32_t line = 0; line < s.batch * s.out_h;) {
    const int32_t left = s.out_h - line % s.out_h, count = left < lines.rows ? left : lines.rows;
    const int8_t *from = er_patch_lines_get(&lines, zero_point, input, line, count, scratch);
    for (int32_t i = 0; i < count; i++, line++) {
      in_place(&call, &s, gemm, &lines, from + i * s.stride_h * (int64_t)lines.line_bytes,
               actual + (int64_t)line * s.out_w * UNITS);
    }
  }
  CHECK(memcmp(expected, actual, results) == 0);
  free(input), free(values), free(rows), free(expected), free(actual), free(packed), free(scratch);
}

int main(void) {
  er_kernels kernels;
  er_kernels_for("generic", &kernels);
  for (int32_t i = 0; i < ROUNDS; i++) compare(&kernels.gemm_s8);
  return check_result();
}
