/* SOFTMAX of 8-bit integers. The sum of a row is made in order, as its bits are part of the result,
 * so four rows are summed at once; results are made 16 at a time. Between, the output holds how far
 * each value is below the largest, as an index into the exponentials. */
#include <string.h>

#include "kernels/neon/bytes.h"
#include "kernels/neon/layer.h"
#include "kernels/neon/store.h"

#ifdef __aarch64__ /* ARMv7 converts towards zero only */

enum { ROWS = 4, STEP = 16 };

typedef struct er_softmax {
  const float *exponentials; /* [256] of how far below the largest */
  float output_scale;
  int8x16_t flip; /* from uint8 to int8 and back */
  er_settle_neon settle;
  int64_t depth;
} er_softmax;

/* 16 values from i on, of which the last stands in for those beyond the row's end.
 * @param rest scratch for a part of them */
ER_INLINE const uint8_t *sixteen(const uint8_t *row, int64_t depth, int64_t i, uint8_t rest[STEP]) {
  if (i + STEP <= depth) return row + i;
  memset(rest, row[depth - 1], STEP);
  return memcpy(rest, row + i, (size_t)(depth - i));
}

ER_INLINE uint8x16_t load(const uint8_t *row, int64_t depth, int64_t i) {
  uint8_t rest[STEP];
  return vld1q_u8(sixteen(row, depth, i, rest));
}

ER_INLINE void store(uint8x16_t values, uint8_t *row, int64_t depth, int64_t i) {
  if (i + STEP <= depth) {
    vst1q_u8(row + i, values);
  } else {
    er_store_parts_neon((const int8x16_t[]){vreinterpretq_s8_u8(values)}, 1, (int32_t)(depth - i),
                        0, (int8_t *)row + i);
  }
}

static void subtract_from_largest(const er_softmax *s, const uint8_t *input, uint8_t *output) {
  int8x16_t most = vdupq_n_s8(-128);
  for (int64_t i = 0; i < s->depth; i += STEP) {
    most = vmaxq_s8(most, veorq_s8(vreinterpretq_s8_u8(load(input, s->depth, i)), s->flip));
  }
  const uint8x16_t largest = vreinterpretq_u8_s8(veorq_s8(vdupq_n_s8(vmaxvq_s8(most)), s->flip));
  for (int64_t i = 0; i < s->depth; i += STEP) {
    store(vsubq_u8(largest, load(input, s->depth, i)), output, s->depth, i);
  }
}

static float32x4_t sum_rows(const er_softmax *s, const uint8_t *const rows[ROWS]) {
  float sums[ROWS] = {0};
  for (int64_t i = 0; i < s->depth; i++) {
    ER_UNROLL for (int r = 0; r < ROWS; r++) sums[r] += s->exponentials[rows[r][i]];
  }
  return vld1q_f32(sums);
}

ER_INLINE float32x4_t look_up(const float *exponentials, const uint8_t *at) {
  float32x4_t values = vdupq_n_f32(exponentials[at[0]]);
  values = vld1q_lane_f32(exponentials + at[1], values, 1);
  values = vld1q_lane_f32(exponentials + at[2], values, 2);
  return vld1q_lane_f32(exponentials + at[3], values, 3);
}

/* A function of its own, so that its constants stay in registers. */
static __attribute__((noinline)) void divide(const er_softmax *s, float inverse, uint8_t *row) {
  uint8_t rest[STEP];
  for (int64_t i = 0; i < s->depth; i += STEP) {
    const uint8_t *below = sixteen(row, s->depth, i, rest);
    int32x4_t q[4];
    ER_UNROLL for (int v = 0; v < 4; v++) { /* ties away from zero */
      q[v] = vcvtaq_s32_f32(vmulq_n_f32(look_up(s->exponentials, below + 4 * v), inverse));
    }
    const int16x8_t low = er_saturated(ER_IN_ORDER, q[0], q[1]);
    const int16x8_t high = er_saturated(ER_IN_ORDER, q[2], q[3]);
    const int8x16_t bytes = er_bytes_neon(ER_SATURATED, vqaddq_s16(low, s->settle.zero_point),
                                          vqaddq_s16(high, s->settle.zero_point), &s->settle);
    store(vreinterpretq_u8_s8(veorq_s8(bytes, s->flip)), row, s->depth, i);
  }
}

/* @param count rows, at most ROWS */
static void softmax_rows(const er_softmax *s, int64_t count, const uint8_t *input,
                         uint8_t *output) {
  const uint8_t *rows[ROWS]; /* the last one stands in for those that are not there */
  float sums[ROWS];
  for (int64_t r = 0; r < ROWS; r++) {
    const int64_t at = (r < count ? r : count - 1) * s->depth;
    if (r < count) subtract_from_largest(s, input + at, output + at);
    rows[r] = output + at;
  }
  vst1q_f32(sums, sum_rows(s, rows));
  for (int64_t r = 0; r < count; r++) {
    divide(s, 1.0f / (sums[r] * s->output_scale), output + r * s->depth);
  }
}

void er_softmax_s8_neon(int64_t rows, int32_t depth, const float *exponentials, float output_scale,
                        int32_t zero_point, bool is_unsigned, const void *input, uint8_t *output) {
  const int32_t low = is_unsigned ? 0 : -128;
  const er_softmax s = {exponentials, output_scale, er_flip(is_unsigned),
                        er_settle_bytes(is_unsigned, zero_point, low, low + 255), depth};
  for (int64_t r = 0; r < rows; r += ROWS) {
    softmax_rows(&s, rows - r < ROWS ? rows - r : ROWS, (const uint8_t *)input + r * depth,
                 output + r * depth);
  }
}

#endif
