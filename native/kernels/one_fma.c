#include "kernels/one_fma.h"

#include <math.h>
#include <string.h>

enum { STEPS = 255, TWO_23 = 1 << 23 };

/* The sums at which the result, before the zero point is added, rises from first + i to one more.
 * Scales and products with them are integers, in units of 2^-places. */
typedef struct er_steps {
  int32_t digits, places; /* the scale: 24 digits */
  int32_t first;
  int32_t at[STEPS];
  int32_t excess[STEPS]; /* at[i] * scale - (first + i + 1/2) */
  int32_t low, high;     /* of all sums but those that are clamped anyhow */
} er_steps;

static int64_t half_way(const er_steps *s, int32_t i) {
  return (2 * (int64_t)(s->first + i) + 1) * ((int64_t)1 << (s->places - 1));
}

/* What to add to the least sum whose exact product is at least half way: next to it the product may
 * be rounded onto it, and then to even. */
static int32_t correction(const er_steps *s, int32_t i, int32_t above, float scale) {
  const float half = (float)(s->first + i) + 0.5f;
  const bool to_even_is_up = (s->first + i) & 1;
  return to_even_is_up ? -((float)(above - 1) * scale == half) : (float)above * scale == half;
}

static void find_steps(float scale, er_steps *s) {
  int exponent;
  s->digits = (int32_t)(frexpf(scale, &exponent) * 16777216.0f);
  s->places = 24 - exponent;
  const int64_t one = (int64_t)1 << s->places, half = half_way(s, 0);
  int32_t above = (int32_t)(half / s->digits);
  if ((int64_t)above * s->digits < half) above++;
  int32_t excess = (int32_t)((int64_t)above * s->digits - half);
  const int32_t apart = (int32_t)(one / s->digits), lack = (int32_t)(one % s->digits);
  for (int32_t i = 0; i < STEPS; i++) {
    const int32_t more = correction(s, i, above, scale);
    s->at[i] = above + more;
    s->excess[i] = excess + more * s->digits;
    excess -= lack;
    const bool short_by_one = excess < 0;
    above += apart + short_by_one;
    excess += short_by_one ? s->digits : 0;
  }
}

/* Where r must lie, both ends included; empty when least > most. */
typedef struct er_window {
  int64_t least, most;
} er_window;

/* @param change of the scale's digits */
static er_window window_of(const er_steps *s, int32_t change) {
  const int64_t digits = s->digits + change, half = (int64_t)1 << (s->places - 1);
  int32_t i = 0, end = STEPS, most = INT32_MIN, least = INT32_MAX;
  while (i < STEPS && s->at[i] <= s->low) i++;
  while (end > i && s->at[end - 1] > s->high) end--;
  er_window w = {1 - half, half - 1};
  /* All sums are above step i - 1 and none is above step `end`. */
  if (i > 0) w.least = half_way(s, i - 1) - s->low * digits + 1;
  if (end < STEPS) w.most = half_way(s, end) - s->high * digits - 1;
  for (; i < end; i++) {
    const int32_t lack = -s->excess[i] - change * s->at[i];
    most = lack > most ? lack : most;
    least = lack < least ? lack : least;
  }
  if (most > INT32_MIN && most + 1 > w.least) w.least = most + 1;
  if (least < INT32_MAX && least + digits - 1 < w.most) w.most = least + digits - 1;
  return w;
}

/* The t >= 0, the first one, with low <= t * step mod modulus <= high, or -1: as in Euclid's
 * algorithm, the number of turns of the wheel is a smaller instance of the same question.
 * @param step,low,high of [0, modulus) */
static int64_t first_inside(int64_t step, int64_t modulus, int64_t low, int64_t high) {
  if (low == 0) return 0;
  if (step == 0) return -1;
  if (2 * step > modulus)
    return first_inside(modulus - step, modulus, modulus - high, modulus - low);
  const int64_t t = (low + step - 1) / step;
  if (t * step <= high) return t;
  const int64_t turns = first_inside((step - modulus % step) % step, step, low % step, high % step);
  return turns < 0 ? -1 : (low + modulus * turns + step - 1) / step;
}

/* The anchor whose product with `digits` lies in the window beside a multiple of `modulus`, or -1.
 * @param modulus a power of 2 */
static int64_t find_anchor(const er_steps *s, int64_t digits, int64_t modulus, er_window w) {
  const int64_t first = (int64_t)TWO_23 - s->low, last = 2 * (int64_t)TWO_23 - 1 - s->high;
  const int64_t mask = modulus - 1;
  const int64_t low = (w.least - first * digits) & mask, high = low + w.most - w.least;
  if (w.least > w.most) return -1;
  const int64_t t = high >= modulus ? 0 : first_inside(digits & mask, modulus, low, high);
  return t < 0 || first + t > last ? -1 : first + t;
}

/* Of the sums below the first step or above the last one only the nearest matters: how floats count
 * changes beyond [2^23, 2^24), but they rise still, and so does the result. */
static bool leave_out_clamped(int32_t low, int32_t high, er_steps *s) {
  const int32_t least = s->at[0] - 1, most = s->at[STEPS - 1];
  s->low = low < least ? (high < least ? high : least) : low;
  s->high = high > most ? (low > most ? low : most) : high;
  return s->low > -TWO_23 && s->high < TWO_23 && (int64_t)s->high - s->low < TWO_23;
}

/* x * factor + offset; NaN where the bits of x are no longer those of a normal float. */
static float multiplied(const er_one_fma *fma, int32_t acc) {
  const int64_t bits = (int64_t)fma->start + acc;
  if (bits < 0x00800000 || bits >= 0x7F800000) return NAN;
  const int32_t word = (int32_t)bits;
  float x;
  memcpy(&x, &word, sizeof x);
  return fmaf(x, fma->factor, fma->offset);
}

/* Whether the result lies in the low 16 bits for all sums.
 * @param zero what stands for 0 */
static bool fits_16_bits(const er_one_fma *fma, int32_t low, int32_t high, float zero) {
  return fabsf(multiplied(fma, low) - zero) < 32000.0f &&
         fabsf(multiplied(fma, high) - zero) < 32000.0f;
}

static er_one_fma fma_of(const er_steps *s, int64_t anchor, int64_t digits, float offset) {
  return (er_one_fma){0x4B000000 + (int32_t)(anchor - TWO_23), ldexpf((float)digits, -s->places),
                      offset};
}

/* @return false: it cannot be settled by FMLA at all */
static bool take(float scale, int32_t low, int32_t high, er_range_s8 range, er_steps *steps) {
  if (range.low > -128 || range.high < 127) return false;
  if (!(scale >= 0x1p-14f && scale <= 1.0f)) return false; /* beyond 1 an offset has 25 digits */
  *steps = (er_steps){.first = -128 - range.zero_point};
  find_steps(scale, steps);
  return leave_out_clamped(low, high, steps);
}

bool er_one_fma_of(float scale, int32_t low, int32_t high, er_range_s8 range, er_one_fma *fma) {
  er_steps steps;
  if (!take(scale, low, high, range, &steps)) return false;
  const int64_t one = (int64_t)1 << steps.places;
  for (int32_t i = 0; i < 3; i++) { /* a neighbour of the scale may do where it does not */
    const int32_t change = i == 2 ? -1 : i;
    const int64_t digits = steps.digits + change;
    const int64_t anchor = find_anchor(&steps, digits, one, window_of(&steps, change));
    if (anchor < 0) continue;
    const int64_t whole = (anchor * digits + one / 2) >> steps.places;
    *fma = fma_of(&steps, anchor, digits, (float)(3 * (TWO_23 / 2) + range.zero_point - whole));
    return fits_16_bits(fma, low, high, 1.5f * TWO_23);
  }
  return false;
}

/* Whether the result rises where it should: then it is right in between. */
static bool rises_at_steps(const er_steps *s, const er_one_fma *fma) {
  for (int32_t i = 0; i < STEPS; i++) {
    if (s->at[i] <= s->low || s->at[i] > s->high) continue;
    const float below = rintf(multiplied(fma, s->at[i] - 1)), at = rintf(multiplied(fma, s->at[i]));
    if (!(below <= (float)(s->first + i) && at > (float)(s->first + i))) return false;
  }
  return true;
}

bool er_fma_add_of(float scale, int32_t low, int32_t high, er_range_s8 range, er_one_fma *fma) {
  /* How near anchor * digits comes to a float of 24 digits, of its 46 to 48. */
  static const struct {
    int32_t modulus, error;
  } tries[] = {{TWO_23, 0}, {2 * TWO_23, 8}, {2 * TWO_23, 256}};
  er_steps steps;
  if (!take(scale, low, high, range, &steps)) return false;
  for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
    const er_window near = {-tries[i].error, tries[i].error};
    const int64_t anchor = find_anchor(&steps, steps.digits, tries[i].modulus, near);
    if (anchor < 0) continue;
    const float product = ldexpf((float)(anchor * steps.digits), -steps.places);
    *fma = fma_of(&steps, anchor, steps.digits, -product);
    if (fits_16_bits(fma, low, high, 0) && rises_at_steps(&steps, fma)) return true;
  }
  return false;
}
