/* ARG_MAX and ARG_MIN along the last dimension: the extremes, then the first place that has each.
 */
#include "avx2.h"
#include "kernels/scan.h"

static er_reduce_shape rows_of(const er_axis_shape *s) {
  const int32_t outer = (int32_t)s->outer;
  return (er_reduce_shape){2,     {outer, s->length}, {false, true}, s->outer * s->length,
                           outer, s->length};
}

static bool is_along_rows(const er_axis_shape *s) { return s->inner == 1 && s->outer <= INT32_MAX; }

/* A NaN that comes first is never bettered; others are never better. */
static int32_t place_of(float value, int32_t length, const float *row) {
  int32_t at = 0;
  if (row[0] != row[0]) return 0;
  for (; at + 8 <= length; at += 8) {
    const __m256 same = _mm256_cmp_ps(_mm256_loadu_ps(row + at), _mm256_set1_ps(value), _CMP_EQ_OQ);
    const uint32_t places = (uint32_t)_mm256_movemask_ps(same);
    if (places) return at + __builtin_ctz(places);
  }
  while (row[at] != value) at++;
  return at;
}

/* The extremes stand where their places will. */
static void arg_float(const er_axis_shape *s, bool largest, const void *input, int32_t *output) {
  if (!is_along_rows(s)) return er_arg_extreme_for(EDGERT_FLOAT32)(s, largest, input, output);
  const er_reduce_shape rows = rows_of(s);
  const float *row = input;
  er_reduce_f32_avx2(largest ? ER_REDUCE_MAX : ER_REDUCE_MIN, &rows, row, (void *)output);
  for (int64_t o = 0; o < s->outer; o++, row += s->length) {
    float value;
    memcpy(&value, output + o, sizeof value);
    output[o] = place_of(value, s->length, row);
  }
}

/* Bytes lie closer than their places: the last comes first. */
static void arg_bytes(edgert_type type, const er_axis_shape *s, bool largest, const void *input,
                      int32_t *output) {
  if (!is_along_rows(s)) return er_arg_extreme_for(type)(s, largest, input, output);
  const er_reduce_shape rows = rows_of(s);
  er_extreme_avx2(&rows, type, largest, input, output);
  for (int64_t o = s->outer - 1; o >= 0; o--) {
    const uint8_t *row = (const uint8_t *)input + o * s->length;
    const uint8_t *found = memchr(row, ((const uint8_t *)output)[o], (size_t)s->length);
    output[o] = (int32_t)(found - row);
  }
}

static void arg_int8(const er_axis_shape *s, bool largest, const void *input, int32_t *output) {
  arg_bytes(EDGERT_INT8, s, largest, input, output);
}

static void arg_uint8(const er_axis_shape *s, bool largest, const void *input, int32_t *output) {
  arg_bytes(EDGERT_UINT8, s, largest, input, output);
}

er_arg_extreme er_arg_extreme_for_avx2(edgert_type type) {
  return type == EDGERT_FLOAT32 ? arg_float
         : type == EDGERT_INT8  ? arg_int8
         : type == EDGERT_UINT8 ? arg_uint8
                                : er_arg_extreme_for(type);
}
