/* The kernels of 4-bit block weights of every instruction set against the generic ones, bit for
 * bit, and against float64. */
#include <math.h>
#include <stdio.h>

#include "check.h"
#include "kernels/kernels.h"
#include "kernels/load.h"
#include "random_numbers.h"

enum { ROUNDS = 200 };

typedef struct problem {
  er_weights_w4b weights;
  uint8_t *values;
  float *scale, *bias;
  int8_t *input;
  er_row_quant *quant;
  int32_t *block_sums;
  er_gemm_w4b_call call;
} problem;

static float bfloat16(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  bits &= 0xFFFF0000;
  memcpy(&value, &bits, sizeof bits);
  return value;
}

static void sum_blocks(problem *p) {
  const int32_t depth = p->call.depth, block = p->call.block;
  for (int32_t i = 0; i < p->call.rows * (depth / block); i++) {
    for (int32_t d = 0; d < block; d++) p->block_sums[i] += p->input[(int64_t)i * block + d];
  }
}

static problem make_problem(void) {
  const int32_t rows = random_from(1, 9), units = random_from(1, 70);
  const int32_t block = 32 * random_from(1, 4), depth = block * random_from(1, 8);
  const size_t weights = (size_t)units * (size_t)depth, blocks = weights / (size_t)block;
  problem p = {.values = take(weights / 2, 0),
               .scale = take(blocks * sizeof(float), 0),
               .bias = take((size_t)units * sizeof(float), 0),
               .input = take((size_t)rows * (size_t)depth, ER_OVERREAD),
               .quant = take((size_t)rows * sizeof(er_row_quant), 0),
               .block_sums = take((size_t)rows * (size_t)(depth / block) * sizeof(int32_t), 0)};
  for (size_t i = 0; i < weights / 2; i++) p.values[i] = (uint8_t)random_bits();
  for (size_t i = 0; i < blocks; i++) p.scale[i] = bfloat16((float)random_from(0, 999) * 1e-5f);
  random_float(p.bias, (size_t)units);
  random_int8(p.input, (size_t)rows * (size_t)depth, -128, 127);
  for (int32_t r = 0; r < rows; r++) {
    p.quant[r] = (er_row_quant){(float)random_from(1, 100) * 1e-3f, random_from(-128, 127)};
  }
  p.weights = (er_weights_w4b){units, depth, block, p.values, p.scale};
  p.call = (er_gemm_w4b_call){.rows = rows,
                              .depth = depth,
                              .block = block,
                              .units = units,
                              .input = p.input,
                              .quant = p.quant,
                              .block_sums = p.block_sums,
                              .last = units,
                              .bias = random_from(0, 1) ? p.bias : NULL,
                              .low = random_from(0, 1) ? -INFINITY : 0.0f,
                              .high = random_from(0, 1) ? INFINITY : 6.0f};
  sum_blocks(&p);
  return p;
}

static void drop_problem(problem *p) {
  free(p->values), free(p->scale), free(p->bias), free(p->input), free(p->quant);
  free(p->block_sums);
}

static float *run_on(const er_gemm_w4b *gemm, const problem *p) {
  const er_weights_w4b *w = &p->weights;
  void *packed = take(gemm->packed_bytes(w->units, w->depth, w->block), 0);
  float *output = malloc((size_t)p->call.rows * (size_t)w->units * sizeof *output);
  gemm->pack(w, packed);
  er_gemm_w4b_call call = p->call;
  call.packed = packed;
  call.output = output;
  call.last = random_from(0, w->units / gemm->unit_step) * gemm->unit_step;
  gemm->run(&call);
  call.first = call.last;
  call.last = w->units;
  gemm->run(&call);
  free(packed);
  return output;
}

static double exact(const problem *p, int32_t row, int32_t unit, double *magnitude) {
  const er_gemm_w4b_call *c = &p->call;
  double sum = 0.0;
  *magnitude = 0.0;
  for (int32_t d = 0; d < c->depth; d++) {
    const int64_t at = (int64_t)unit * c->depth + d;
    const double weight = er_nibble_at(p->values, at) * (double)p->scale[at / c->block];
    const double x = p->input[(int64_t)row * c->depth + d] - p->quant[row].zero_point;
    sum += weight * x * (double)p->quant[row].scale;
    *magnitude += fabs(weight * 256.0 * (double)p->quant[row].scale);
  }
  sum += c->bias ? (double)c->bias[unit] : 0.0;
  return fmin(fmax(sum, (double)c->low), (double)c->high);
}

static void test_generic_against_float64(void) {
  er_kernels kernels;
  er_kernels_for("generic", &kernels);
  problem p = make_problem();
  float *output = run_on(&kernels.gemm_w4b, &p);
  for (int32_t i = 0; i < p.call.rows * p.call.units; i++) {
    double magnitude;
    const double expected = exact(&p, i / p.call.units, i % p.call.units, &magnitude);
    CHECK(fabs((double)output[i] - expected) <= 1e-6 * (magnitude + 1.0));
  }
  free(output);
  drop_problem(&p);
}

static void test_layer(const char *isa) {
  er_kernels oracle, kernels;
  CHECK(er_kernels_for("generic", &oracle));
  CHECK(er_kernels_for(isa, &kernels));
  for (int32_t round = 0; round < ROUNDS && check_failures < 10; round++) {
    random_state = (uint64_t)round + 1;
    problem p = make_problem();
    float *expected = run_on(&oracle.gemm_w4b, &p), *actual = run_on(&kernels.gemm_w4b, &p);
    CHECK(memcmp(expected, actual, (size_t)p.call.rows * (size_t)p.call.units * sizeof *expected) ==
          0);
    free(expected), free(actual);
    drop_problem(&p);
  }
}

int main(void) {
  for (int32_t i = 0; i < 20; i++) test_generic_against_float64();
  const char *isa;
  for (int32_t i = 0; (isa = er_kernels_isa(i)) != NULL; i++) {
    printf("%s\n", isa);
    test_layer(isa);
  }
  return check_result();
}
