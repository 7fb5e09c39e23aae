/* Patches gathered out of lines, against the same patches taken pixel by pixel; and multiplied
 * where they lie, against the same patches gathered first. */
#include "check.h"
#include "ops/patch_rows.h"
#include "random_numbers.h"

enum { ROUNDS = 200, UNITS = 3 };

/* Padding may be larger than the filter, as a PAD before a convolution makes it. */
static er_conv_shape random_shape(void) {
  er_conv_shape s = {.batch = random_from(1, 2), .groups = 1, .multiplier = 1, .dilation_h = 1};
  s.dilation_w = 1;
  s.in_h = random_from(1, 12), s.in_w = random_from(1, 12);
  s.in_c = s.filter_c = random_from(1, 9), s.out_c = UNITS;
  s.filter_h = random_from(1, 5), s.filter_w = random_from(1, 5);
  s.stride_h = random_from(1, 3), s.stride_w = random_from(1, 3);
  s.pad_top = random_from(0, 2 * s.filter_h), s.pad_left = random_from(0, 2 * s.filter_w);
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

  const er_patch_lines lines = er_patch_lines_of(&s, 1, (size_t)random_from(1, 2000));
  int8_t *scratch = take(lines.thread_bytes, 0);
  for (int32_t line = 0; line < s.batch * s.out_h;) {
    const int32_t left = s.out_h - line % s.out_h, count = left < lines.rows ? left : lines.rows;
    const int8_t *from = er_patch_lines_get(&lines, zero_point, input, 0, line, count, scratch);
    for (int32_t i = 0; i < count; i++, line++) {
      in_place(&call, &s, gemm, &lines, from + i * s.stride_h * (int64_t)lines.line_bytes,
               actual + (int64_t)line * s.out_w * UNITS);
    }
  }
  CHECK(memcmp(expected, actual, results) == 0);
  free(input), free(values), free(rows), free(expected), free(actual), free(packed), free(scratch);
}

/* A part of all patches, of any element. */
static void compare_rows(int32_t element) {
  er_conv_shape s = random_shape();
  if (random_from(0, 3) == 0) s.in_c = s.filter_c = random_from(10, 500);
  s.groups = random_from(1, 3), s.in_c = s.groups * s.filter_c;
  const int32_t group = random_from(0, s.groups - 1);
  const int32_t pixels = s.batch * s.out_h * s.out_w, first = random_from(0, pixels - 1);
  const int32_t last = random_from(first + 1, pixels);
  const size_t depth = (size_t)(s.filter_h * s.filter_w * s.filter_c);
  const size_t in_bytes = (size_t)(s.batch * s.in_h * s.in_w * s.in_c * element);
  const size_t bytes = (size_t)(last - first) * depth * (size_t)element;
  const int8_t zero_point = element == 1 ? (int8_t)random_from(-128, 127) : 0;
  int8_t *input = take(in_bytes, ER_OVERREAD);
  int8_t *expected = take(bytes, 0), *actual = take(bytes, ER_OVERREAD);
  random_int8(input, in_bytes, -128, 127);
  if (element == 1) {
    er_im2col_s8(&s, zero_point, input, group, first, last, expected);
  } else {
    er_im2col_f32(&s, (float *)(void *)input, group, first, last, (float *)(void *)expected);
  }
  const er_patch_rows rows = er_patch_rows_of(&s, element, last - first + random_from(0, 9));
  void *scratch = take(rows.thread_bytes, 0);
  er_patch_rows_get(&rows, &s, zero_point, input, group, first, last, actual, scratch);
  CHECK(memcmp(expected, actual, bytes) == 0);
  free(input), free(expected), free(actual), free(scratch);
}

static void random_floats(float *to, size_t count) {
  for (size_t i = 0; i < count; i++) to[i] = (float)random_from(-1000, 1000) / 500.0f;
}

/* Whole images in one call. */
static void floats_in_place(const er_gemm_f32_call *like, const er_conv_shape *s,
                            const er_gemm_f32 *gemm, const float *input, float *output) {
  const er_patch_lines lines = er_patch_lines_of(s, sizeof(float), SIZE_MAX);
  float *scratch = take(lines.thread_bytes, 0);
  er_gemm_f32_call call = *like;
  call.rows = s->out_h * s->out_w;
  call.input_stride = (int64_t)s->stride_w * s->in_c;
  call.segments = s->filter_h;
  call.segment_stride = (int64_t)(lines.line_bytes / sizeof(float));
  call.width = s->out_w;
  call.line_stride = s->stride_h * call.segment_stride;
  for (int32_t i = 0; i < s->batch; i++) {
    call.input = er_patch_lines_get(&lines, 0, input, 0, i * s->out_h, s->out_h, scratch);
    call.output = output + (int64_t)i * call.rows * call.units;
    gemm->run(&call);
  }
  free(scratch);
}

/* The same products in the same order, so the same bits.
 * @param deep more channels, so that kernels cut the depth in chunks */
static void compare_f32(const er_gemm_f32 *gemm, bool deep) {
  er_conv_shape s = random_shape();
  if (deep) s.in_c = s.filter_c = random_from(400, 600), s.batch = 1;
  const int32_t units = random_from(1, 40), depth = s.filter_h * s.filter_w * s.in_c;
  const size_t pixels = (size_t)(s.batch * s.out_h * s.out_w), patch = (size_t)depth;
  const size_t in_count = (size_t)(s.batch * s.in_h * s.in_w * s.in_c);
  const size_t results = pixels * (size_t)units, weights = (size_t)units * patch;
  float *input = take(in_count * sizeof *input, ER_OVERREAD);
  float *values = take(weights * sizeof *values, 0);
  float *rows = take(pixels * patch * sizeof *rows, ER_OVERREAD);
  float *expected = take(results * sizeof(float), 0), *actual = take(results * sizeof(float), 0);
  random_floats(input, in_count);
  random_floats(values, weights);
  void *packed = take(er_packed_f32(gemm, units, depth), 0);
  er_pack_f32(gemm, units, depth, values, false, NULL, packed);

  er_im2col_f32(&s, input, 0, 0, (int32_t)pixels, rows);
  const er_gemm_f32_call call = {.rows = (int32_t)pixels,
                                 .depth = depth,
                                 .units = units,
                                 .input = rows,
                                 .input_stride = depth,
                                 .packed = packed,
                                 .last = units,
                                 .low = -1e9f,
                                 .high = 1e9f,
                                 .output = expected,
                                 .output_stride = units};
  gemm->run(&call);
  floats_in_place(&call, &s, gemm, input, actual);
  if (memcmp(expected, actual, results * sizeof(float)) != 0) fprintf(stderr, "%s\n", gemm->name);
  CHECK(memcmp(expected, actual, results * sizeof(float)) == 0);
  free(input), free(values), free(rows), free(expected), free(actual), free(packed);
}

int main(void) {
  er_kernels kernels;
  er_kernels_for("generic", &kernels);
  for (int32_t i = 0; i < ROUNDS; i++) {
    compare(&kernels.gemm_s8);
    compare_rows(1);
    compare_rows(sizeof(float));
  }
  const char *isa;
  for (int32_t i = 0; (isa = er_kernels_isa(i)) != NULL; i++) {
    CHECK(er_kernels_for(isa, &kernels));
    for (int32_t round = 0; round < ROUNDS; round++) {
      compare_f32(&kernels.gemm_f32, round % 20 == 0);
    }
  }
  return check_result();
}
