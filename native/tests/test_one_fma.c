/* One fused multiply-add against the rule that it stands for, for every sum that may occur. */
#include <math.h>

#include "check.h"
#include "kernels/one_fma.h"
#include "kernels/rounding.h"
#include "random_numbers.h"

enum { SCALES = 400, EACH = 200000 }; /* of so many sums each, of more some */

typedef bool finder(float scale, int32_t low, int32_t high, er_range_s8 range, er_one_fma *fma);

static int32_t narrowed(int32_t bits) {
  const int16_t low_half = (int16_t)(uint16_t)((uint32_t)bits & 0xFFFF);
  return er_clamp(low_half, -128, 127);
}

/* @param magic what is added beside */
static int32_t by_fma(const er_one_fma *fma, float magic, int32_t acc) {
  const int32_t bits = fma->start + acc;
  float x;
  memcpy(&x, &bits, sizeof x);
  const float y = fmaf(x, fma->factor, fma->offset) + magic;
  int32_t result;
  memcpy(&result, &y, sizeof result);
  return result;
}

/* A scale of 2^-13..1, or one with few digits, whose products lie half way again and again. */
static float random_scale(void) {
  if (random_from(0, 7) == 0) return ldexpf((float)random_from(1, 15), -random_from(4, 14));
  return ldexpf(1.0f + (float)random_from(0, 1 << 23) / (1 << 23), -random_from(1, 13));
}

/* @return whether there is one; counts the sums for which it differs */
static int compare(finder *find, float scale, int32_t low, int32_t high, er_range_s8 range,
                   int32_t *different) {
  er_one_fma fma;
  if (!find(scale, low, high, range, &fma)) return 0;
  const bool adds = find == er_fma_add_of;
  const int32_t step = 1 + (high - low) / EACH;
  for (int32_t acc = low; acc <= high; acc += step) {
    const int32_t expected = er_settle((float)acc * scale, range.zero_point, range.low, range.high);
    const int32_t bits = by_fma(&fma, adds ? 12582912.0f : 0.0f, acc);
    if (narrowed(bits + (adds ? range.zero_point : 0)) != expected) ++*different;
  }
  return 1;
}

/* Sums of half the output's width or up to 40 times as many, which need more than 24 bits. */
static int32_t random_span(float scale) {
  const float widths = random_from(0, 3) ? 0.2f * (float)random_from(1, 9) : 40.0f;
  const float span = 256.0f * widths / scale;
  return span < 4e7f ? (int32_t)span : (int32_t)4e7f;
}

static void compare_with_the_rule(finder *find, int32_t least_found) {
  int32_t found = 0, different = 0;
  for (int32_t i = 0; i < SCALES; i++) {
    const float scale = random_scale();
    const int32_t span = random_span(scale);
    const int32_t low = -span / 2 + random_from(-span / 2, span / 2);
    const er_range_s8 range = {random_from(0, 1) ? -128 : random_from(-128, 127), -128, 127};
    found += compare(find, scale, low, low + span, range, &different);
  }
  CHECK(different == 0);
  CHECK(found >= least_found);
}

static void every_sum_is_settled_as_by_the_rule(void) {
  compare_with_the_rule(er_one_fma_of, 240);
  compare_with_the_rule(er_fma_add_of, 380);
}

static void what_it_cannot_stand_for_is_refused(void) {
  const er_range_s8 whole = {0, -128, 127}, clamped = {0, 0, 127};
  er_one_fma fma;
  CHECK(er_one_fma_of(0.013f, -1000, 1000, whole, &fma));
  CHECK(!er_one_fma_of(0.013f, -1000, 1000, clamped, &fma));
  CHECK(!er_one_fma_of(1.5f, -1000, 1000, whole, &fma));
  CHECK(!er_one_fma_of(1e-6f, -1000, 1000, whole, &fma));
  CHECK(er_one_fma_of(0.0117f, -1000000, 1000000, whole, &fma)); /* clamped but for few */
  CHECK(er_fma_add_of(0.013f, -1000000, 1000000, whole, &fma));
  CHECK(!er_fma_add_of(1.5f, -1000, 1000, whole, &fma));
  CHECK(!er_fma_add_of(0.013f, -1000, 1000, clamped, &fma));
  CHECK(!er_fma_add_of(0.013f, -(1 << 22), 1 << 22, whole, &fma));
  CHECK(!er_one_fma_of(0.013f, -(1 << 22), 1 << 22, whole, &fma)); /* more than 16 bits */
}

int main(void) {
  every_sum_is_settled_as_by_the_rule();
  what_it_cannot_stand_for_is_refused();
  return check_result();
}
