/* Largest and smallest of 8-bit integers: REDUCE_MAX and REDUCE_MIN, MAXIMUM and MINIMUM. All are
 * the largest of int8 whose bits are turned over before and behind: of uint8 the highest, for the
 * smallest all of them. */
#include "avx2.h"
#include "kernels/reduce_walk.h"

static uint8_t turned_bits(edgert_type type, bool largest) {
  const uint8_t sign = type == EDGERT_UINT8 ? 0x80 : 0;
  return largest ? sign : (uint8_t)~sign;
}

static inline int8_t larger(int8_t a, int8_t b) { return a > b ? a : b; }
static inline int8_t turn(uint8_t value, uint8_t bits) { return (int8_t)(value ^ bits); }

static int8_t extreme_of_row(int8_t most, uint8_t bits, int32_t count, const uint8_t *input) {
  for (int32_t i = 0; i < count; i++) most = larger(most, turn(input[i], bits));
  return most;
}

/* Four rows at once, for the output is read and written each time.
 * @param input [rows, columns]  @param output [columns] */
static void extremes_of_columns(uint8_t bits, int32_t rows, int32_t columns, const uint8_t *input,
                                int8_t *restrict output) {
  int32_t r = 0;
  for (; r + 4 <= rows; r += 4, input += 4 * (int64_t)columns) {
    const uint8_t *a = input, *b = a + columns, *c = b + columns, *d = c + columns;
    for (int32_t i = 0; i < columns; i++) {
      const int8_t ab = larger(turn(a[i], bits), turn(b[i], bits));
      const int8_t cd = larger(turn(c[i], bits), turn(d[i], bits));
      output[i] = larger(output[i], larger(ab, cd));
    }
  }
  for (; r < rows; r++, input += columns) {
    for (int32_t i = 0; i < columns; i++) output[i] = larger(output[i], turn(input[i], bits));
  }
}

void er_extreme_avx2(const er_reduce_shape *s, edgert_type type, bool largest, const void *input,
                     void *output) {
  if (type != EDGERT_INT8 && type != EDGERT_UINT8) {
    er_extreme(s, type, largest, input, output);
    return;
  }
  const uint8_t bits = turned_bits(type, largest), *in = input;
  int8_t *out = output;
  const er_reduce_block block = er_reduce_block_of(s);
  const int64_t size = (int64_t)block.rows * block.columns;
  er_reduce_walk walk = er_reduce_start(s, block.inner);
  const int64_t results = s->out_count; /* which, for all the compiler knows, lies in `out` */
  for (int64_t o = 0; o < results; o++) out[o] = INT8_MIN;
  for (int64_t i = 0; i < s->in_count; i += size, er_reduce_next(s, &walk)) {
    int8_t *to = out + walk.out;
    if (s->reduced[s->rank - 1]) {
      *to = extreme_of_row(*to, bits, block.columns, in + i);
    } else {
      extremes_of_columns(bits, block.rows, block.columns, in + i, to);
    }
  }
  for (int64_t o = 0; o < results; o++) out[o] = turn((uint8_t)out[o], bits);
}

static void extremes_of_two(uint8_t bits, int32_t count, const uint8_t *a, const uint8_t *b,
                            uint8_t *restrict output) {
  for (int32_t i = 0; i < count; i++) {
    output[i] = (uint8_t)larger(turn(a[i], bits), turn(b[i], bits)) ^ bits;
  }
}

static void extremes_of_one(uint8_t bits, int32_t count, const uint8_t *a, uint8_t b,
                            uint8_t *restrict output) {
  const int8_t least = turn(b, bits);
  for (int32_t i = 0; i < count; i++) {
    output[i] = (uint8_t)larger(turn(a[i], bits), least) ^ bits;
  }
}

bool er_integer_binary_row_avx2(er_binary op, edgert_type type, er_wide_range range, int32_t count,
                                const void *a, int32_t a_step, const void *b, int32_t b_step,
                                void *output) {
  const bool extreme = op == ER_MAXIMUM || op == ER_MINIMUM;
  const bool bytes = type == EDGERT_INT8 || type == EDGERT_UINT8;
  if (!extreme || !bytes || (a_step == 0 && b_step == 0) || range.low != INT64_MIN ||
      range.high != INT64_MAX) {
    return er_integer_binary_row(op, type, range, count, a, a_step, b, b_step, output);
  }
  const uint8_t bits = turned_bits(type, op == ER_MAXIMUM), *x = a, *y = b;
  if (a_step != 0 && b_step != 0) {
    extremes_of_two(bits, count, x, y, output);
  } else if (count > 0) {
    extremes_of_one(bits, count, a_step ? x : y, a_step ? *y : *x, output);
  }
  return true;
}
