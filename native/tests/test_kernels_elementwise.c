/* The kernels beside the products, of every instruction set of this machine, against the generic
 * ones, bit for bit. Inputs and outputs end exactly, so ASan finds an access too far. */
#include <math.h>
#include <stdio.h>

#include "check.h"
#include "kernels/float.h"
#include "kernels/kernels.h"
#include "random_reduction.h"

enum { ROUNDS = 300 };

static er_kernels generic, tested;

static void *random_bytes(size_t count) {
  int8_t *bytes = malloc(count ? count : 1);
  random_int8(bytes, count, -128, 127);
  return bytes;
}

/* An output of each, compared and dropped. */
typedef struct outputs {
  size_t bytes;
  void *expected, *actual;
} outputs;

static outputs make_outputs(size_t bytes) {
  outputs o = {bytes, malloc(bytes ? bytes : 1), malloc(bytes ? bytes : 1)};
  memset(o.expected, 77, bytes);
  memset(o.actual, 77, bytes);
  return o;
}

static bool equal(outputs o) {
  const bool same = memcmp(o.expected, o.actual, o.bytes) == 0;
  free(o.expected), free(o.actual);
  return same;
}

/* Bounds and a zero point of int8 or uint8. */
static void random_range(bool is_unsigned, int32_t *zero, int32_t *low, int32_t *high) {
  const int32_t least = is_unsigned ? 0 : -128;
  *zero = least + random_from(0, 255);
  *low = random_from(0, 1) ? least : least + random_from(0, 255);
  *high = random_from(0, 1) ? least + 255 : random_from(*low, least + 255);
}

static void test_add(void) {
  const bool is_unsigned = random_from(0, 1), wide = random_from(0, 5) == 0;
  const int32_t count = random_from(0, 100), least = is_unsigned ? 0 : -128;
  const int32_t big = random_from(1 << 20, (1 << 21) - 1), small = random_from(-big, big);
  const bool a_is_big = random_from(0, 1);
  er_add_s8 add = {.a_zero = least + random_from(0, 255),
                   .b_zero = least + random_from(0, 255),
                   .a_multiplier = a_is_big ? big : (small < 0 ? -small : small),
                   .b_multiplier = a_is_big ? small : (random_from(0, 1) ? big : -big),
                   .shift = wide ? random_from(31, 50) : random_from(8, 30)};
  random_range(is_unsigned, &add.zero_point, &add.low, &add.high);
  const int32_t a_step = random_from(0, 3) != 0, b_step = random_from(0, 3) != 0;
  void *a = random_bytes(a_step ? (size_t)count : 1), *b = random_bytes(b_step ? (size_t)count : 1);
  outputs o = make_outputs((size_t)count);
  generic.add_row_s8(&add, is_unsigned, count, a, a_step, b, b_step, o.expected);
  tested.add_row_s8(&add, is_unsigned, count, a, a_step, b, b_step, o.actual);
  CHECK(equal(o));
  free(a), free(b);
}

static void test_mul(void) {
  const bool is_unsigned = random_from(0, 1);
  const int32_t count = random_from(0, 100), least = is_unsigned ? 0 : -128;
  er_mul_s8 mul = {.a_zero = least + random_from(0, 255),
                   .b_zero = least + random_from(0, 255),
                   .scale = (float)random_from(1, 1000) / (float)random_from(1, 1000000)};
  random_range(is_unsigned, &mul.zero_point, &mul.low, &mul.high);
  const int32_t a_step = random_from(0, 3) != 0, b_step = random_from(0, 3) != 0;
  void *a = random_bytes(a_step ? (size_t)count : 1), *b = random_bytes(b_step ? (size_t)count : 1);
  outputs o = make_outputs((size_t)count);
  generic.mul_row_s8(&mul, is_unsigned, count, a, a_step, b, b_step, o.expected);
  tested.mul_row_s8(&mul, is_unsigned, count, a, a_step, b, b_step, o.actual);
  CHECK(equal(o));
  free(a), free(b);
}

static void test_lookup(void) {
  const size_t count = (size_t)random_from(0, 200);
  uint8_t *table = random_bytes(256), *input = random_bytes(count);
  outputs o = make_outputs(count);
  generic.lookup(table, (int64_t)count, input, o.expected);
  tested.lookup(table, (int64_t)count, input, o.actual);
  CHECK(equal(o));
  free(table), free(input);
}

static void test_slopes(void) {
  const bool is_unsigned = random_from(0, 1);
  const int32_t least = is_unsigned ? 0 : -128, most = random_from(0, 3) ? 600 : INT16_MAX;
  er_slopes s = {least + random_from(0, 255), least + random_from(0, 255), random_from(-most, most),
                 random_from(-most, most)};
  if (random_from(0, 2) == 0) s.below = s.above;
  const size_t count = (size_t)random_from(0, 100);
  uint8_t *input = random_bytes(count);
  if (tested.slopes) {
    outputs o = make_outputs(count);
    for (size_t i = 0; i < count; i++) {
      const int32_t d = (is_unsigned ? input[i] : (int8_t)input[i]) - s.in_zero;
      const int32_t y = ((d * (d < 0 ? s.below : s.above) + 128) >> 8) + s.out_zero;
      ((uint8_t *)o.expected)[i] = (uint8_t)er_clamp(y, least, least + 255);
    }
    tested.slopes(&s, is_unsigned, (int64_t)count, input, o.actual);
    CHECK(equal(o));
  }
  free(input);
}

static edgert_type random_type(void) {
  static const edgert_type types[] = {EDGERT_INT8, EDGERT_INT8, EDGERT_UINT8, EDGERT_INT16};
  return types[random_from(0, 3)];
}

static size_t bytes_of(edgert_type type) { return type == EDGERT_INT16 ? 2 : 1; }

/* 2^exponent to 2^(exponent + 1). */
static er_fixed random_fixed(int32_t exponent) {
  return er_fixed_from(ldexp(1.0 + random_from(0, 1 << 20) / 1048577.0, exponent));
}

/* Factors as the operators have them: those of both inputs at most a half, where they are added. */
static void test_fixed_binary(void) {
  static const er_binary ops[] = {ER_ADD, ER_SUB, ER_MUL, ER_SQUARED_DIFFERENCE, ER_PRELU};
  const edgert_type type = random_type();
  const bool wide = type == EDGERT_INT16, is_unsigned = type == EDGERT_UINT8;
  const int32_t count = random_from(0, 50), least = is_unsigned ? 0 : -128;
  er_fixed_binary p = {.op = ops[random_from(0, 4)],
                       .a_zero = wide ? 0 : least + random_from(0, 255),
                       .b_zero = wide ? 0 : least + random_from(0, 255),
                       .a_scale = random_fixed(random_from(-8, -2)),
                       .b_scale = er_fixed_from(0.5),
                       .scale = random_fixed(random_from(-31, 8)),
                       .low = INT16_MIN,
                       .high = INT16_MAX};
  p.left_shift = p.op == ER_SQUARED_DIFFERENCE ? (wide ? 0 : 7) : 15;
  if (p.op == ER_PRELU) p.a_scale = random_fixed(random_from(-20, 20));
  if (!wide) random_range(is_unsigned, &p.zero_point, &p.low, &p.high);
  const int32_t a_step = random_from(0, 3) != 0, b_step = random_from(0, 3) != 0;
  void *a = random_bytes((a_step ? (size_t)count : 1) * bytes_of(type));
  void *b = random_bytes((b_step ? (size_t)count : 1) * bytes_of(type));
  outputs o = make_outputs((size_t)count * bytes_of(type));
  generic.fixed_binary_row(&p, type, count, a, a_step, b, b_step, o.expected);
  tested.fixed_binary_row(&p, type, count, a, a_step, b, b_step, o.actual);
  CHECK(equal(o));
  free(a), free(b);
}

static void test_quantize(void) {
  const edgert_type type = random_type();
  const size_t count = (size_t)random_from(0, 200);
  const int32_t zero =
      type == EDGERT_INT16 ? 0 : (type == EDGERT_INT8 ? -128 : 0) + random_from(0, 255);
  static const float odd[] = {NAN, INFINITY, -INFINITY, 1e30f, -1e30f, 0.5f, -0.0f};
  float *input = malloc((count ? count : 1) * sizeof *input);
  for (size_t i = 0; i < count; i++) {
    input[i] = random_from(0, 9) ? (float)random_from(-400, 400) / 2.0f : odd[random_from(0, 6)];
  }
  const float inverse = random_from(0, 1) ? 1.0f : (float)random_from(1, 100) / 30.0f;
  outputs o = make_outputs(count * bytes_of(type));
  generic.quantize(type, inverse, zero, (int64_t)count, input, o.expected);
  tested.quantize(type, inverse, zero, (int64_t)count, input, o.actual);
  CHECK(equal(o));
  free(input);
}

static void test_dequantize(void) {
  const edgert_type type = random_type();
  const size_t count = (size_t)random_from(0, 100);
  void *input = random_bytes(count * bytes_of(type));
  const float scale = (float)random_from(1, 1000) / 777.0f;
  const int32_t zero = random_from(-128, 127);
  outputs o = make_outputs(count * sizeof(float));
  generic.dequantize(type, scale, zero, (int64_t)count, input, o.expected);
  tested.dequantize(type, scale, zero, (int64_t)count, input, o.actual);
  CHECK(equal(o));
  free(input);
}

static void test_sum(void) {
  const edgert_type type = random_type();
  const er_reduce_shape s = random_reduction(200000);
  void *input = random_bytes((size_t)s.in_count * bytes_of(type));
  outputs o = make_outputs((size_t)s.out_count * sizeof(int64_t));
  generic.sum(&s, type, input, o.expected);
  tested.sum(&s, type, input, o.actual);
  CHECK(equal(o));
  free(input);
}

static er_conv_shape random_pool(void) {
  er_conv_shape s = {.batch = random_from(1, 2), .dilation_h = 1, .dilation_w = 1};
  s.in_c = s.out_c = random_from(1, 100);
  s.filter_h = random_from(1, 4), s.filter_w = random_from(1, 4);
  s.stride_h = random_from(1, 2), s.stride_w = random_from(1, 2);
  s.pad_top = random_from(0, s.filter_h - 1), s.pad_left = random_from(0, s.filter_w - 1);
  s.in_h = random_from(s.filter_h, 9), s.in_w = random_from(s.filter_w, 9);
  s.out_h = (s.in_h + s.pad_top - 1) / s.stride_h + 1;
  s.out_w = (s.in_w + s.pad_left - 1) / s.stride_w + 1;
  return s;
}

static void test_pools(void) {
  const er_conv_shape s = random_pool();
  const edgert_type type = random_type();
  int32_t zero, low, high;
  random_range(type == EDGERT_UINT8, &zero, &low, &high);
  const size_t in = (size_t)s.batch * (size_t)s.in_h * (size_t)s.in_w * (size_t)s.in_c;
  const size_t out = (size_t)s.batch * (size_t)s.out_h * (size_t)s.out_w * (size_t)s.in_c;
  void *input = random_bytes(in * bytes_of(type));
  const int32_t lines = s.batch * s.out_h, first = random_from(0, lines - 1);
  outputs average = make_outputs(out * bytes_of(type)), most = make_outputs(out * bytes_of(type));
  generic.average_pool(&s, type, low, high, input, average.expected, first, lines);
  tested.average_pool(&s, type, low, high, input, average.actual, first, lines);
  generic.max_pool(&s, type, low, high, input, most.expected, first, lines);
  tested.max_pool(&s, type, low, high, input, most.actual, first, lines);
  CHECK(equal(average));
  CHECK(equal(most));
  free(input);
}

static void test_softmax(void) {
  const bool is_unsigned = random_from(0, 1);
  const int64_t rows = random_from(1, 20);
  const int32_t depth = random_from(1, random_from(0, 9) ? 100 : 3000);
  float exponentials[256];
  const float scale = (float)random_from(1, 100) / 300.0f;
  for (int32_t d = 0; d < 256; d++) exponentials[d] = expf(-scale * (float)d);
  void *input = random_bytes((size_t)rows * (size_t)depth);
  outputs o = make_outputs((size_t)rows * (size_t)depth);
  const int32_t zero = is_unsigned ? 0 : -128;
  const float fine = random_from(0, 4) ? 1.0f / 256 : (float)random_from(1, 100) * 1e-6f;
  generic.softmax_s8(rows, depth, exponentials, fine, zero, is_unsigned, input, o.expected);
  tested.softmax_s8(rows, depth, exponentials, fine, zero, is_unsigned, input, o.actual);
  CHECK(equal(o));
  free(input);
}

/* The result may lie where the input does. */
static void test_layer_norm(void) {
  const int64_t rows = random_from(1, 20);
  const int32_t depth = random_from(1, 100);
  const size_t values = (size_t)rows * (size_t)depth, row = (size_t)depth;
  float *input = malloc(values * sizeof *input), *gain = malloc(2 * row * sizeof *gain);
  random_float(input, values);
  random_float(gain, 2 * row);
  const er_layer_norm norm = {
      .depth = depth, .epsilon = 1e-5f, .gain = gain, .shift = gain + depth};
  outputs o = make_outputs(values * sizeof *input);
  generic.layer_norm_f32(&norm, rows, input, o.expected);
  memcpy(o.actual, input, o.bytes);
  tested.layer_norm_f32(&norm, rows, o.actual, o.actual);
  CHECK(equal(o));
  free(input), free(gain);
}

static void test_resize(void) {
  const edgert_type type = random_type();
  const er_resize_shape s = {.batch = random_from(1, 2),
                             .in_h = random_from(1, 7),
                             .in_w = random_from(1, 7),
                             .out_h = random_from(1, 12),
                             .out_w = random_from(1, 12),
                             .c = random_from(1, random_from(0, 9) ? 50 : 1100),
                             .align_corners = random_from(0, 1),
                             .half_pixel_centers = random_from(0, 1)};
  const size_t in = (size_t)(s.batch * s.in_h * s.in_w * s.c) * bytes_of(type);
  const size_t out = (size_t)(s.batch * s.out_h * s.out_w * s.c) * bytes_of(type);
  void *input = random_bytes(in);
  outputs o = make_outputs(out);
  const int32_t lines = s.batch * s.out_h, first = random_from(0, lines - 1);
  generic.resize_bilinear(&s, type, input, o.expected, first, lines);
  tested.resize_bilinear(&s, type, input, o.actual, first, lines);
  CHECK(equal(o));
  free(input);
}

static void test_layer(const char *isa) {
  printf("%s\n", isa);
  CHECK(er_kernels_for(isa, &tested));
  static void (*const tests[])(void) = {test_add,    test_mul,      test_fixed_binary, test_lookup,
                                        test_slopes, test_quantize, test_dequantize,   test_sum,
                                        test_pools,  test_softmax,  test_layer_norm,   test_resize};
  for (size_t t = 0; t < sizeof tests / sizeof tests[0]; t++) {
    for (int32_t round = 0; round < ROUNDS; round++) {
      random_state = (uint64_t)round + 1;
      tests[t]();
      if (check_failures > 5) return;
    }
  }
}

int main(void) {
  CHECK(er_kernels_for("generic", &generic));
  const char *isa;
  for (int32_t i = 0; (isa = er_kernels_isa(i)) != NULL; i++) test_layer(isa);
  return check_result();
}
