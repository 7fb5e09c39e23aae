/* The kernels that compare, choose, convert, reduce and move, of every instruction set of this
 * machine, against the generic ones, bit for bit. Arrays end exactly, so ASan finds an access too
 * far. */
#include <math.h>

#include "every_layer.h"
#include "kernels/copy.h"
#include "kernels/float.h"
#include "random_reduction.h"

enum { ROUNDS = 300 };

static const edgert_type types[] = {EDGERT_FLOAT32, EDGERT_INT8,  EDGERT_UINT8, EDGERT_INT16,
                                    EDGERT_INT32,   EDGERT_INT64, EDGERT_BOOL};

static size_t bytes_of(edgert_type type) {
  return type == EDGERT_INT64                             ? 8
         : type == EDGERT_FLOAT32 || type == EDGERT_INT32 ? 4
         : type == EDGERT_INT16                           ? 2
                                                          : 1;
}

static float random_odd(void) {
  static const float odd[] = {NAN, INFINITY, -INFINITY, 0.0f, -0.0f, 3e9f, -3e9f, 0x1p31f};
  return odd[random_from(0, 7)];
}

/* Few different values, so that many are equal. */
static void *random_values(edgert_type type, size_t count) {
  uint8_t *values = malloc(count ? count * bytes_of(type) : 1);
  const bool same = random_from(0, 3) == 0;
  for (size_t i = 0; i < count; i++) {
    const int64_t number = random_from(0, 9) && !same ? random_from(-128, 127) : random_from(-1, 1);
    const int64_t value = type == EDGERT_BOOL ? random_from(0, 2) : number;
    const float real = random_from(0, 7) ? (float)number / 2.0f : random_odd();
    memcpy(values + i * bytes_of(type), type == EDGERT_FLOAT32 ? (const void *)&real : &value,
           bytes_of(type)); /* of an integer the low bytes, which come first */
  }
  return values;
}

/* Outputs of both, dropped. With floats any NaN is as good as another. */
static bool same_outputs(edgert_type type, size_t count, void *expected, void *actual) {
  bool same = true;
  for (size_t i = 0; i < count; i++) {
    const size_t at = i * bytes_of(type);
    float a = 0.0f, b = 0.0f;
    if (type == EDGERT_FLOAT32) {
      memcpy(&a, (char *)expected + at, sizeof a), memcpy(&b, (char *)actual + at, sizeof b);
    }
    const bool bits = memcmp((char *)expected + at, (char *)actual + at, bytes_of(type)) == 0;
    same = same && (bits || (isnan(a) && isnan(b)));
  }
  free(expected), free(actual);
  return same;
}

/* ---- reductions ------------------------------------------------------------------------------ */

static void test_reductions(const er_kernels *oracle, const er_kernels *tested) {
  static const er_reduce ops[] = {ER_MEAN, ER_SUM, ER_REDUCE_MAX, ER_REDUCE_MIN, ER_REDUCE_PROD};
  const er_reduce_shape s = random_reduction(20000);
  const er_reduce op = ops[random_from(0, 4)];
  const size_t count = (size_t)s.out_count;
  float *input = random_values(EDGERT_FLOAT32, (size_t)s.in_count);
  float *expected = malloc(count * sizeof *expected), *actual = malloc(count * sizeof *actual);
  oracle->reduce_f32(op, &s, input, expected);
  tested->reduce_f32(op, &s, input, actual);
  CHECK(same_outputs(EDGERT_FLOAT32, count, expected, actual));
  free(input);
}

static void test_extremes(const er_kernels *oracle, const er_kernels *tested) {
  const er_reduce_shape s = random_reduction(20000);
  const edgert_type type = types[random_from(1, 5)];
  const bool largest = random_from(0, 1);
  const size_t count = (size_t)s.out_count;
  void *input = random_values(type, (size_t)s.in_count);
  void *expected = malloc(count * bytes_of(type)), *actual = malloc(count * bytes_of(type));
  oracle->extreme(&s, type, largest, input, expected);
  tested->extreme(&s, type, largest, input, actual);
  CHECK(same_outputs(type, count, expected, actual));
  free(input);
}

static void test_places(const er_kernels *oracle, const er_kernels *tested) {
  const er_axis_shape s = {random_from(1, 9), random_from(1, 70),
                           random_from(0, 3) ? 1 : random_from(1, 9)};
  const edgert_type type = types[random_from(0, 6)];
  const bool largest = random_from(0, 1);
  const size_t count = (size_t)(s.outer * s.inner);
  void *input = random_values(type, count * (size_t)s.length);
  int32_t *expected = malloc(count * sizeof *expected), *actual = malloc(count * sizeof *actual);
  oracle->arg_extreme_for(type)(&s, largest, input, expected);
  tested->arg_extreme_for(type)(&s, largest, input, actual);
  CHECK(same_outputs(EDGERT_INT32, count, expected, actual));
  free(input);
}

/* ---- rows of two arguments ------------------------------------------------------------------- */

static void test_extreme_rows(const er_kernels *oracle, const er_kernels *tested) {
  const edgert_type type = types[random_from(1, 5)];
  const er_binary op = random_from(0, 1) ? ER_MAXIMUM : ER_MINIMUM;
  const er_wide_range range = {random_from(0, 3) ? INT64_MIN : 0, INT64_MAX};
  const int32_t count = random_from(0, 100), a_step = random_from(0, 2) > 0;
  const int32_t b_step = random_from(0, 2) > 0;
  const size_t bytes = (size_t)count * bytes_of(type) + 1;
  void *a = random_values(type, a_step ? (size_t)count : 1);
  void *b = random_values(type, b_step ? (size_t)count : 1);
  void *expected = malloc(bytes), *actual = malloc(bytes);
  oracle->integer_binary_row(op, type, range, count, a, a_step, b, b_step, expected);
  tested->integer_binary_row(op, type, range, count, a, a_step, b, b_step, actual);
  CHECK(same_outputs(type, (size_t)count, expected, actual));
  free(a), free(b);
}

static void test_comparisons(const er_kernels *oracle, const er_kernels *tested) {
  const edgert_type type = types[random_from(0, 6)];
  const er_comparison op = (er_comparison)random_from(ER_EQUAL, ER_LOGICAL_OR);
  const er_compare_row expect = oracle->compare_for(op, type), act = tested->compare_for(op, type);
  CHECK(!expect == !act);
  if (!expect || !act) return;
  const int32_t count = random_from(1, 100), a_step = random_from(0, 2) > 0;
  const int32_t b_step = random_from(0, 2) > 0;
  void *a = random_values(type, a_step ? (size_t)count : 1);
  void *b = random_values(type, b_step ? (size_t)count : 1);
  uint8_t *expected = malloc((size_t)count), *actual = malloc((size_t)count);
  expect(count, a, a_step, b, b_step, expected);
  act(count, a, a_step, b, b_step, actual);
  CHECK(same_outputs(EDGERT_BOOL, (size_t)count, expected, actual));
  free(a), free(b);
}

static void test_choices(const er_kernels *oracle, const er_kernels *tested) {
  const edgert_type type = types[random_from(0, 6)];
  const int32_t count = random_from(1, 100);
  int64_t step[3];
  void *input[3];
  for (int32_t i = 0; i < 3; i++) {
    step[i] = random_from(0, 3) ? 1 : random_from(0, 2);
    const size_t values = (size_t)(step[i] * (count - 1) + 1);
    input[i] = random_values(i == 0 ? EDGERT_BOOL : type, values);
  }
  const size_t size = bytes_of(type), bytes = (size_t)count * size;
  void *expected = malloc(bytes), *actual = malloc(bytes);
  oracle->select(count, (int64_t)size, input[0], step[0], input[1], step[1], input[2], step[2],
                 expected);
  tested->select(count, (int64_t)size, input[0], step[0], input[1], step[1], input[2], step[2],
                 actual);
  CHECK(same_outputs(EDGERT_BOOL, bytes, expected, actual));
  for (int32_t i = 0; i < 3; i++) free(input[i]);
}

static void test_conversions(const er_kernels *oracle, const er_kernels *tested) {
  const edgert_type from = types[random_from(0, 6)], to = types[random_from(0, 6)];
  const size_t count = (size_t)random_from(1, 300), bytes = count * bytes_of(to);
  void *input = random_values(from, count), *expected = malloc(bytes), *actual = malloc(bytes);
  oracle->cast((int64_t)count, from, input, to, expected);
  tested->cast((int64_t)count, from, input, to, actual);
  CHECK(same_outputs(to, count, expected, actual));
  free(input);
}

/* ---- copies ---------------------------------------------------------------------------------- */

/* A transpose of the inner two of three dimensions, of parts of the lines. */
static void test_copies(const er_kernels *oracle, const er_kernels *tested) {
  const int64_t sizes[] = {1, 2, 3, 4, 8}, size = sizes[random_from(0, 4)];
  const int64_t planes = random_from(1, 3), lines = random_from(1, 70), count = random_from(1, 70);
  const int64_t in_line = size * (count + random_from(0, 3)), out_line = size * lines;
  const er_copy copy = {.rank = 3,
                        .block = size,
                        .dims = {planes, count, lines},
                        .in_stride = {lines * in_line, size, in_line},
                        .out_stride = {count * out_line, out_line, size}};
  const size_t bytes = (size_t)(planes * count * out_line);
  void *input = random_values(EDGERT_INT8, (size_t)(planes * lines * in_line));
  void *expected = malloc(bytes), *actual = malloc(bytes);
  oracle->copy_strided(&copy, 0, planes, expected, input);
  tested->copy_strided(&copy, 0, planes, actual, input);
  CHECK(same_outputs(EDGERT_INT8, bytes, expected, actual));
  free(input);
}

int main(void) {
  on_every_layer(ROUNDS, test_copies);
  on_every_layer(ROUNDS, test_reductions);
  on_every_layer(ROUNDS, test_extremes);
  on_every_layer(ROUNDS, test_places);
  on_every_layer(ROUNDS, test_extreme_rows);
  on_every_layer(ROUNDS, test_comparisons);
  on_every_layer(ROUNDS, test_choices);
  on_every_layer(ROUNDS, test_conversions);
  return check_result();
}
