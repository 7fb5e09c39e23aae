/* The int8 linear kernels of every instruction set of this machine against the generic ones, bit
 * for bit, over random shapes, strides, zero points, ranges and extreme values. Inputs end where
 * the contract says (ER_OVERREAD bytes of room), outputs end exactly, so ASan finds a write too
 * far. */
#include <stdio.h>

#include "check.h"
#include "kernels/kernels.h"
#include "random_numbers.h"

enum { ROUNDS = 400 };

/* A random layer: weights, biases and scales that fill the output's range. */
typedef struct layer {
  er_weights_s8 weights;
  er_range_s8 range;
  int8_t *values;
  int32_t *bias;
  float *scale;
} layer;

static layer make_layer(int32_t units, int32_t depth, int32_t weight_bits) {
  const int32_t most = (1 << (weight_bits - 1)) - 1;
  const int32_t least = random_from(0, 7) == 0 ? -most - 1 : -most; /* -128 is rare in files */
  layer l = {.values = take((size_t)units * (size_t)depth, 0),
             .bias = take((size_t)units * sizeof(int32_t), 0),
             .scale = take((size_t)units * sizeof(float), 0)};
  random_int8(l.values, (size_t)units * (size_t)depth, least, most);
  if (random_from(0, 1)) { /* mostly small, as trained weights are */
    for (int32_t i = 0; i < units * depth; i++) {
      if (random_from(0, 7)) l.values[i] = (int8_t)(l.values[i] * random_from(0, 64) / 128);
    }
  }
  for (int32_t u = 0; u < units; u++) {
    l.bias[u] = random_from(-20000, 20000);
    l.scale[u] = (float)random_from(1, 1000) / (float)(depth * random_from(100, 20000));
  }
  if (random_from(0, 15) == 0) l.scale[random_from(0, units - 1)] = 1e7f; /* beyond int32 */
  const int32_t low = random_from(0, 1) ? -128 : random_from(-128, 100);
  l.range =
      (er_range_s8){random_from(-128, 127), low, random_from(0, 1) ? 127 : random_from(low, 127)};
  if (random_from(0, 2) == 0) l.range = (er_range_s8){-128, -128, 127}; /* as after a ReLU */
  l.weights =
      (er_weights_s8){units, depth, l.values, l.bias, l.scale, random_from(-128, 127), l.range};
  return l;
}

static void drop_layer(layer *l) {
  free(l->values);
  free(l->bias);
  free(l->scale);
}

static void *packed_gemm(const er_gemm_s8 *gemm, const layer *l) {
  void *packed = take(gemm->packed_bytes(l->weights.units, l->weights.depth), 0);
  gemm->pack(&l->weights, packed);
  return packed;
}

/* The whole product in two parts, as two threads would share it. */
static void run_gemm(const er_gemm_s8 *gemm, er_gemm_s8_call call, const void *packed,
                     int8_t *output) {
  const int32_t steps = (call.units + gemm->unit_step - 1) / gemm->unit_step;
  const int32_t middle = random_from(0, steps) * gemm->unit_step;
  call.packed = packed;
  call.output = output;
  call.first = 0;
  call.last = middle < call.units ? middle : call.units;
  gemm->run(&call);
  call.first = call.last;
  call.last = call.units;
  if (call.first < call.last) gemm->run(&call);
}

/* In how many pieces the rows lie: often one. */
static int32_t random_segments(const er_gemm_s8 *tested, int32_t depth) {
  const int32_t segments = random_from(2, 5);
  if (tested->segment_step == 0 || random_from(0, 1)) return 1;
  return depth % (segments * tested->segment_step) == 0 ? segments : 1;
}

/* How many rows are a line, and how far the next one is. */
static void random_lines(const er_gemm_s8 *tested, er_gemm_s8_call *call) {
  if (tested->line_step == 0 || random_from(0, 1)) return;
  call->width = random_from(1, 33);
  call->line_stride = random_from(0, 500);
}

static int compare_gemm(const er_gemm_s8 *tested, int32_t weight_bits) {
  er_kernels oracle;
  er_kernels_for("generic", &oracle);
  const int32_t rows = random_from(1, 33), units = random_from(1, 90);
  int32_t depth = random_from(0, 3) ? random_from(1, 80) : random_from(80, 700);
  if (random_from(0, 3) == 0) depth = depth / 96 * 96 + 96; /* can be cut into pieces */
  layer l = make_layer(units, depth, weight_bits);
  const int64_t in_stride = depth + random_from(0, 1) * random_from(0, 40);
  const int64_t out_stride = units + random_from(0, 1) * random_from(0, 40);
  const int32_t segments = random_segments(tested, depth);
  const int64_t segment_stride = segments > 1 ? random_from(1, 200) : 0;
  er_gemm_s8_call call = {.rows = rows,
                          .depth = depth,
                          .units = units,
                          .input_stride = in_stride,
                          .segments = segments,
                          .segment_stride = segment_stride,
                          .range = l.range,
                          .output_stride = out_stride};
  random_lines(tested, &call);
  const int32_t width = call.width > 0 ? call.width : rows, across = rows < width ? rows : width;
  const size_t in_bytes =
      (size_t)((rows - 1) / width * call.line_stride + (across - 1) * in_stride +
               (segments - 1) * segment_stride + depth / segments);
  const size_t out_bytes = (size_t)((rows - 1) * out_stride + units);
  int8_t *input = take(in_bytes, ER_OVERREAD);
  random_int8(input, in_bytes + ER_OVERREAD, -128, 127);
  int8_t *expected = malloc(out_bytes), *actual = malloc(out_bytes);
  memset(expected, 77, out_bytes);
  memset(actual, 77, out_bytes);
  call.input = input;
  void *oracle_packed = packed_gemm(&oracle.gemm_s8, &l), *packed = packed_gemm(tested, &l);
  run_gemm(&oracle.gemm_s8, call, oracle_packed, expected);
  run_gemm(tested, call, packed, actual);
  const int same = memcmp(expected, actual, out_bytes) == 0;
  if (!same) fprintf(stderr, "%s: rows %d, depth %d, units %d\n", tested->name, rows, depth, units);
  free(oracle_packed), free(packed), free(input), free(expected), free(actual);
  drop_layer(&l);
  return same;
}

/* What is left out of rows in pieces: some at either end, and of each piece bytes at either end. */
typedef struct cut {
  int32_t piece, pieces;
  int32_t before, behind;
  int32_t left, right;
} cut;

static bool is_left_out(cut c, int32_t d) {
  const int32_t piece = d / c.piece, at = d % c.piece;
  return piece < c.before || piece >= c.pieces - c.behind || at < c.left || at >= c.piece - c.right;
}

/* @return [units, and as many as a panel more] what that adds where it holds the zero point */
static int32_t *sums_left_out(const layer *l, cut c) {
  enum { MOST_UNIT_STEP = 16 };
  const int32_t depth = l->weights.depth;
  int32_t *sums = take((size_t)(l->weights.units + MOST_UNIT_STEP) * sizeof *sums, 0);
  for (int32_t u = 0; u < l->weights.units; u++) {
    sums[u] = 0;
    for (int32_t d = 0; d < depth; d++) {
      if (is_left_out(c, d)) sums[u] += l->values[u * depth + d] * l->weights.input_zero_point;
    }
  }
  return sums;
}

static void fill_left_out(const layer *l, cut c, int8_t *row) {
  for (int32_t d = 0; d < l->weights.depth; d++) {
    if (is_left_out(c, d)) row[d] = (int8_t)l->weights.input_zero_point;
  }
}

/* Of the first and the last row of lines that are long enough. */
static void random_edges(const er_gemm_s8 *tested, int32_t *width, int32_t *units, cut *c) {
  const int32_t steps = c->piece / tested->segment_step;
  if (steps < 2 || random_from(0, 1)) return;
  *width = random_from(2 * tested->line_step, 4 * tested->line_step + 1);
  *units = (*units + tested->unit_step - 1) / tested->unit_step * tested->unit_step;
  c->left = random_from(0, steps - 1);
  c->right = random_from(0, steps - 1 - c->left) * tested->segment_step;
  c->left *= tested->segment_step;
}

/* Parts hold nothing but the zero point: multiplied, and left out. */
static int compare_cut(const er_gemm_s8 *tested) {
  if (!tested->cuts) return 1;
  er_kernels oracle;
  er_kernels_for("generic", &oracle);
  int32_t width = random_from(1, 33), units = random_from(1, 90);
  cut c = {.piece = tested->segment_step * random_from(1, 4), .pieces = random_from(2, 5)};
  c.before = random_from(0, c.pieces - 1);
  c.behind = random_from(0, c.pieces - 1 - c.before);
  cut none = c;
  random_edges(tested, &width, &units, &c);
  const int32_t rows = width * random_from(1, 4), depth = c.pieces * c.piece;
  layer l = make_layer(units, depth, 8);
  cut left = c, right = c;
  left.right = right.left = 0;
  int8_t *input = take((size_t)(rows * depth), ER_OVERREAD);
  random_int8(input, (size_t)(rows * depth), -128, 127);
  for (int32_t r = 0; r < rows; r++) {
    fill_left_out(&l, none, input + r * depth);
    if (r % width == 0) fill_left_out(&l, left, input + r * depth);
    if (r % width == width - 1) fill_left_out(&l, right, input + r * depth);
  }
  int32_t *sums[] = {sums_left_out(&l, none), sums_left_out(&l, left), sums_left_out(&l, right)};
  const size_t out_bytes = (size_t)(rows * units);
  int8_t *expected = malloc(out_bytes), *actual = malloc(out_bytes);
  er_gemm_s8_call call = {.rows = rows,
                          .depth = depth,
                          .units = units,
                          .input = input,
                          .input_stride = depth,
                          .range = l.range,
                          .output_stride = units};
  void *oracle_packed = packed_gemm(&oracle.gemm_s8, &l), *packed = packed_gemm(tested, &l);
  run_gemm(&oracle.gemm_s8, call, oracle_packed, expected);
  call.input = input + c.before * c.piece + c.left;
  call.segments = c.pieces;
  call.segment_stride = c.piece;
  call.before = c.before;
  call.behind = c.behind;
  call.instead = c.before + c.behind > 0 || random_from(0, 1) ? sums[0] : NULL;
  call.left = (er_edge_s8){c.left, sums[1]};
  call.right = (er_edge_s8){c.right, sums[2]};
  call.width = width;
  call.line_stride = (int64_t)width * depth;
  run_gemm(tested, call, packed, actual);
  const int same = memcmp(expected, actual, out_bytes) == 0;
  if (!same) {
    fprintf(stderr, "%s: without %d and %d of %d pieces, %d and %d of %d bytes\n", tested->name,
            c.before, c.behind, c.pieces, c.left, c.right, c.piece);
  }
  for (int i = 0; i < 3; i++) free(sums[i]);
  free(oracle_packed), free(packed), free(input), free(expected), free(actual);
  drop_layer(&l);
  return same;
}

/* Plain sums, in two parts too. */
static void run_sums(const er_gemm_s8 *gemm, er_gemm_s8_call call, const void *packed,
                     int32_t *to) {
  call.packed = packed;
  call.last = random_from(0, call.units / gemm->unit_step) * gemm->unit_step;
  gemm->sums(&call, to, call.units);
  const int32_t middle = call.last;
  call.first = middle;
  call.last = call.units;
  if (middle < call.units) gemm->sums(&call, to + middle, call.units);
}

/* Rows for which all products of one unit have the same sign: no sum of them lies further out. */
static void extreme_rows(const layer *l, int32_t rows, int8_t *input) {
  const int32_t depth = l->weights.depth;
  for (int32_t r = 0; r < rows; r++, input += depth) {
    const int8_t *unit = l->values + (int64_t)random_from(0, l->weights.units - 1) * depth;
    const bool up = random_from(0, 1);
    for (int32_t d = 0; d < depth; d++) input[d] = (unit[d] > 0) == up ? 127 : -128;
  }
}

static int compare_sums(const er_gemm_s8 *tested) {
  er_kernels oracle;
  er_kernels_for("generic", &oracle);
  const int32_t rows = random_from(1, 33), units = random_from(1, 90);
  const int32_t depth = random_from(0, 3) ? random_from(1, 80) : random_from(80, 3000);
  layer l = make_layer(units, depth, random_from(4, 8));
  const size_t bytes = (size_t)rows * (size_t)depth;
  const size_t results = (size_t)rows * (size_t)units * sizeof(int32_t);
  int8_t *input = take(bytes, ER_OVERREAD);
  random_int8(input, bytes + ER_OVERREAD, -128, 127);
  if (random_from(0, 1)) extreme_rows(&l, rows, input);
  int32_t *expected = malloc(results), *actual = malloc(results);
  const er_gemm_s8_call call = {
      .rows = rows, .depth = depth, .units = units, .input = input, .input_stride = depth};
  void *oracle_packed = packed_gemm(&oracle.gemm_sums, &l), *packed = packed_gemm(tested, &l);
  run_sums(&oracle.gemm_sums, call, oracle_packed, expected);
  run_sums(tested, call, packed, actual);
  const int same = memcmp(expected, actual, results) == 0;
  if (!same) fprintf(stderr, "sums of %s: %d x %d x %d\n", tested->name, rows, depth, units);
  free(oracle_packed), free(packed), free(input), free(expected), free(actual);
  drop_layer(&l);
  return same;
}

static er_conv_shape random_dwconv(void) {
  er_conv_shape s = {.batch = 1, .multiplier = 1, .filter_c = 1};
  s.out_c = s.in_c = s.groups = random_from(1, 70);
  s.filter_h = random_from(0, 2) ? 3 + 2 * random_from(0, 1) : random_from(1, 7);
  s.filter_w = random_from(0, 2) ? s.filter_h : random_from(1, 7);
  s.stride_w = s.stride_h = random_from(1, 3);
  s.dilation_w = s.dilation_h = random_from(0, 5) ? 1 : 2;
  s.out_w = random_from(1, 20);
  s.out_h = 1;
  return s;
}

/* Two output lines, at once where the kernel can. */
static void run_dwconv(const er_dwconv_s8 *kernel, const er_conv_shape *shape, const layer *l,
                       const int8_t *const *lines, int8_t *output) {
  const bool pairs = kernel->pairs && kernel->pairs(shape) && random_from(0, 3);
  void *packed = take(kernel->packed_bytes(shape), 0);
  void *scratch = take(kernel->scratch_bytes(shape), 0);
  kernel->pack(shape, &l->weights, packed);
  er_dwconv_s8_call call = {shape, pairs ? 2 : 1, lines, packed, l->range, output, scratch};
  kernel->run(&call);
  if (!pairs) {
    call.lines = lines + 1;
    call.output = output + (int64_t)shape->out_w * shape->out_c;
    kernel->run(&call);
  }
  free(packed), free(scratch);
}

static int compare_dwconv(const er_dwconv_s8 *tested, int32_t weight_bits) {
  er_kernels oracle;
  er_kernels_for("generic", &oracle);
  const er_conv_shape s = random_dwconv();
  layer l = make_layer(s.out_c, s.filter_h * s.filter_w, weight_bits);
  const size_t line =
      (size_t)((s.out_w - 1) * s.stride_w + (s.filter_w - 1) * s.dilation_w + 1) * (size_t)s.out_c;
  const size_t out_bytes = 2 * (size_t)s.out_w * (size_t)s.out_c;
  int8_t *lines[8];
  for (int32_t i = 0; i < s.filter_h + 1; i++) {
    lines[i] = take(line, ER_OVERREAD);
    random_int8(lines[i], line + ER_OVERREAD, -128, 127);
  }
  int8_t *expected = malloc(out_bytes), *actual = malloc(out_bytes);
  run_dwconv(&oracle.dwconv_s8, &s, &l, (const int8_t *const *)lines, expected);
  run_dwconv(tested, &s, &l, (const int8_t *const *)lines, actual);
  const int same = memcmp(expected, actual, out_bytes) == 0;
  if (!same) {
    fprintf(stderr, "%s: %dx%d stride %d dilation %d, %d channels, width %d\n", tested->name,
            s.filter_h, s.filter_w, s.stride_w, s.dilation_w, s.out_c, s.out_w);
  }
  for (int32_t i = 0; i < s.filter_h + 1; i++) free(lines[i]);
  free(expected), free(actual);
  drop_layer(&l);
  return same;
}

/* Two weights a byte, the low nibble first. @return [units * depth / 2] */
static int8_t *as_nibbles(const int8_t *values, size_t count) {
  int8_t *nibbles = malloc(count / 2);
  for (size_t i = 0; i < count / 2; i++) {
    nibbles[i] = (int8_t)((values[2 * i] & 15) | (values[2 * i + 1] & 15) << 4);
  }
  return nibbles;
}

/* Even places, then odd ones. */
static int8_t *apart(const int8_t *input, int32_t depth) {
  int8_t *parts = take((size_t)depth, ER_OVERREAD);
  for (int32_t i = 0; i < depth; i++) parts[i / 2 + i % 2 * (depth / 2)] = input[i];
  random_int8(parts + depth, ER_OVERREAD, -128, 127);
  return parts;
}

/* @param bits 8 or 4 */
static int compare_gemv(const er_gemv_s8 *tested, int32_t bits) {
  if (!tested->name) return 1;
  er_kernels oracle;
  er_kernels_for("generic", &oracle);
  const int32_t units = random_from(1, 40), steps = random_from(1, 20);
  const int32_t depth = bits == 4 ? steps * ER_DEPTH_STEP_W4 : random_from(1, 600);
  const size_t count = (size_t)units * (size_t)depth;
  layer l = make_layer(units, depth, bits);
  int8_t *input = take((size_t)depth, ER_OVERREAD);
  random_int8(input, (size_t)depth + ER_OVERREAD, -128, 127);
  int8_t *values = malloc(count); /* ends exactly, as a mapped file may */
  memcpy(values, l.values, count);
  int8_t *expected = malloc((size_t)units), *actual = malloc((size_t)units);
  er_gemv_s8_call call = {depth, input, values, l.bias, l.scale, units, l.range, expected};
  oracle.gemv_s8.run(&call);
  int8_t *nibbles = bits == 4 ? as_nibbles(values, count) : NULL;
  int8_t *parts = bits == 4 ? apart(input, depth) : NULL;
  call.output = actual;
  if (nibbles) call.values = nibbles;
  if (parts) call.input = parts;
  tested->run(&call);
  const int same = memcmp(expected, actual, (size_t)units) == 0;
  if (!same) fprintf(stderr, "%s: depth %d, units %d\n", tested->name, depth, units);
  free(input), free(values), free(expected), free(actual), free(nibbles), free(parts);
  drop_layer(&l);
  return same;
}

static void test_layer(const char *isa) {
  er_kernels kernels;
  CHECK(er_kernels_for(isa, &kernels));
  for (int32_t round = 0; round < ROUNDS; round++) {
    random_state = (uint64_t)round + 1;
    CHECK(compare_gemm(&kernels.gemm_s8, round % 3 ? 8 : random_from(4, 8)));
    CHECK(compare_gemm(&kernels.gemm_w4, 4));
    CHECK(compare_cut(&kernels.gemm_s8));
    CHECK(compare_sums(&kernels.gemm_sums));
    CHECK(compare_dwconv(&kernels.dwconv_s8, round % 3 ? 8 : random_from(4, 8)));
    CHECK(compare_gemv(&kernels.gemv_s8, 8));
    CHECK(compare_gemv(&kernels.gemv_w4, 4));
    if (check_failures > 10) return;
  }
}

int main(void) {
  const char *isa;
  for (int32_t i = 0; (isa = er_kernels_isa(i)) != NULL; i++) {
    printf("%s\n", isa);
    test_layer(isa);
  }
  er_kernels kernels;
  CHECK(!er_kernels_for("no such set", &kernels));
  return check_result();
}
