/* The 8-bit kernels on int16 rows of every instruction set against the generic ones, bit for bit.
 */

#include "every_layer.h"
#include "kernels/wide_units.h"

enum { ROUNDS = 200, REACH = 255 }; /* of an 8-bit value less its zero point */

static int16_t *random_int16(size_t count) {
  int16_t *values = take(count * sizeof *values, 0);
  for (size_t i = 0; i < count; i++) values[i] = (int16_t)random_from(-REACH, REACH);
  return values;
}

/* How sums become bytes, for up to 80 units. */
typedef struct rule {
  float scale[80];
  int32_t bias[80];
  er_requant requant;
} rule;

static void make_rule(rule *r, int32_t depth) {
  for (int32_t u = 0; u < 80; u++) {
    r->scale[u] = (float)random_from(1, 1000) / (float)(depth * random_from(1000, 200000));
    r->bias[u] = random_from(-20000, 20000);
  }
  const bool is_signed = random_from(0, 1);
  const int32_t low = is_signed ? -128 : 0;
  r->requant = (er_requant){r->scale, r->bias, random_from(low, low + 255), low, low + 255};
}

static void test_gemm(const er_kernels *oracle, const er_kernels *kernels) {
  const int32_t rows = random_from(1, 11), depth = 8 * random_from(1, 40);
  const int32_t units = random_from(1, 79), padded = units + units % 2;
  int16_t *x = random_int16((size_t)rows * (size_t)depth);
  int16_t *w = random_int16((size_t)padded * (size_t)depth);
  const size_t bytes = (size_t)rows * (size_t)units;
  uint8_t *expected = malloc(bytes), *actual = malloc(bytes);
  rule r;
  make_rule(&r, depth);
  oracle->gemm_wide_s8(rows, depth, x, w, &r.requant, expected, units, 0, units);
  kernels->gemm_wide_s8(rows, depth, x, w, &r.requant, actual, units, 0, units);
  CHECK(memcmp(expected, actual, bytes) == 0);
  free(x), free(w), free(expected), free(actual);
}

static void test_dwconv(const er_kernels *oracle, const er_kernels *kernels) {
  er_conv_shape s = {.batch = 1, .out_h = 1, .multiplier = 1};
  s.out_c = s.in_c = random_from(1, 79);
  s.filter_h = random_from(1, 5), s.filter_w = random_from(1, 5);
  s.stride_w = random_from(1, 2), s.dilation_w = random_from(1, 2), s.out_w = random_from(1, 15);
  const int32_t line = (s.out_w - 1) * s.stride_w + (s.filter_w - 1) * s.dilation_w + 1;
  int16_t *x = random_int16((size_t)(line * s.filter_h) * (size_t)s.out_c);
  int16_t *w = random_int16((size_t)(s.filter_h * s.filter_w) * (size_t)s.out_c);
  const size_t bytes = (size_t)s.out_w * (size_t)s.out_c;
  uint8_t *expected = malloc(bytes), *actual = malloc(bytes);
  rule r;
  make_rule(&r, s.filter_h * s.filter_w);
  oracle->dwconv_wide_s8(&s, x, w, &r.requant, expected);
  kernels->dwconv_wide_s8(&s, x, w, &r.requant, actual);
  CHECK(memcmp(expected, actual, bytes) == 0);
  free(x), free(w), free(expected), free(actual);
}

/* Two of the units of a product and of a depthwise line. */
static void test_units(const er_kernels *oracle, const er_kernels *kernels) {
  er_conv_shape s = {.batch = 1, .out_h = 1, .multiplier = 1};
  s.out_c = s.in_c = random_from(2, 40);
  s.filter_h = random_from(1, 3), s.filter_w = random_from(1, 3);
  s.stride_w = random_from(1, 2), s.dilation_w = random_from(1, 2), s.out_w = random_from(1, 20);
  const int32_t line = (s.out_w - 1) * s.stride_w + (s.filter_w - 1) * s.dilation_w + 1;
  const int32_t rows = random_from(1, 9), depth = s.filter_h * s.filter_w;
  const int32_t units[] = {0, s.out_c - 1};
  rule r;
  make_rule(&r, depth);
  int16_t *w = random_int16(2 * (size_t)depth);
  const er_wide_units wide = {2, depth, units, r.bias, r.scale, w, {3, -128, 127}, kernels};
  const size_t bytes = (size_t)s.out_c * (size_t)(rows > s.out_w ? rows : s.out_w);
  const size_t count = (size_t)(rows * depth + line * s.filter_h * s.out_c);
  int8_t *x = take(count, ER_OVERREAD), *expected = take(bytes, 0), *actual = take(bytes, 0);
  random_int8(x, count, -128, 127);
  oracle->wide_units_rows(&wide, rows, x, 0, s.out_c, expected, s.out_c);
  kernels->wide_units_rows(&wide, rows, x, 0, s.out_c, actual, s.out_c);
  CHECK(memcmp(expected, actual, bytes) == 0);
  const int8_t *lines[3];
  for (int32_t i = 0; i < s.filter_h; i++) lines[i] = x + (int64_t)i * line * s.out_c;
  oracle->wide_units_line(&wide, &s, lines, expected);
  kernels->wide_units_line(&wide, &s, lines, actual);
  CHECK(memcmp(expected, actual, bytes) == 0);
  free(x), free(w), free(expected), free(actual);
}

int main(void) {
  on_every_layer(ROUNDS, test_gemm);
  on_every_layer(ROUNDS, test_dwconv);
  on_every_layer(ROUNDS, test_units);
  return check_result();
}
