/* The integer matrix products of every instruction set against the generic one, bit for bit.
 * Matrices end exactly, so ASan finds an access too far. */

#include "every_layer.h"

enum { ROUNDS = 400 };

static er_matmul_rule random_rule(int32_t depth) {
  static const edgert_type types[] = {EDGERT_INT8, EDGERT_INT8, EDGERT_UINT8, EDGERT_INT16};
  er_matmul_rule r = {.type = types[random_from(0, 3)]};
  const int32_t least = r.type == EDGERT_UINT8 ? 0 : r.type == EDGERT_INT8 ? -128 : INT16_MIN;
  const double scale = (double)random_from(1, 1000) / (random_from(10, 1000) * (double)depth);
  r.scale = er_fixed_from(random_from(0, 7) ? scale : random_from(0, 1) ? 1.0 : scale * 0x1p-20);
  r.low = least;
  r.high = r.type == EDGERT_INT16 ? INT16_MAX : least + 255;
  if (r.type == EDGERT_INT16) return r;
  r.a_zero = least + random_from(0, 255);
  r.b_zero = least + random_from(0, 255);
  r.out_zero = least + random_from(0, 255);
  return r;
}

static void *random_matrix(int64_t count, edgert_type type) {
  const size_t bytes = (size_t)count * (type == EDGERT_INT16 ? 2 : 1);
  int8_t *values = malloc(bytes);
  random_int8(values, bytes, -128, 127);
  return values;
}

static void test_product(const er_kernels *oracle, const er_kernels *kernels) {
  static const int32_t index[] = {0, 1};
  er_matmul_shape s = {.batch = 2,
                       .rows = random_from(1, 20),
                       .depth = random_from(1, 70),
                       .columns = random_from(1, 70),
                       .a_transposed = random_from(0, 3) == 0,
                       .b_transposed = random_from(0, 2) == 0,
                       .a_index = index,
                       .b_index = index};
  const er_matmul_rule rule = random_rule(s.depth);
  const size_t bytes = 2 * (size_t)s.rows * (size_t)s.columns * (rule.type == EDGERT_INT16 ? 2 : 1);
  void *a = random_matrix((int64_t)2 * s.rows * s.depth, rule.type);
  void *b = random_matrix((int64_t)2 * s.depth * s.columns, rule.type);
  void *expected = malloc(bytes), *actual = malloc(bytes);
  int16_t *scratch = malloc(er_matmul_scratch(&s) * sizeof *scratch);
  for (int32_t product = 0; product < s.batch; product++) {
    oracle->batch_matmul(&s, &rule, a, b, expected, product, scratch);
    kernels->batch_matmul(&s, &rule, a, b, actual, product, scratch);
  }
  CHECK(memcmp(expected, actual, bytes) == 0);
  free(a), free(b), free(expected), free(actual), free(scratch);
}

int main(void) {
  on_every_layer(ROUNDS, test_product);
  return check_result();
}
