/* Elementary functions in float32: plain products and sums without fused steps, so the bits are the
 * same on every instruction set, and compilers turn loops over them into vector loops. The
 * polynomials are minimax fits of their own but for those of the logarithm and the sine;
 * test_functions_f32.c bounds the errors in units in the last place: exp and log 1, expm1 1.5, sine
 * and cosine 1.6, logistic 2, tanh 2.6. */
#ifndef ER_FUNCTIONS_F32_H
#define ER_FUNCTIONS_F32_H

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline float er_float_of(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static inline uint32_t er_bits_of(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

/* e^-80 is 1.8e-35: divided by the sum of its row it is no denormal number either. */
#define ER_SOFTMAX_LEAST (-80.0f)

/* x = n * ln 2 + r with |r| <= ln 2 / 2; then e^x = 2^n * (1 + tail), tail = e^r - 1. */
typedef struct er_exp_parts {
  uint32_t n; /* as an int32 */
  float tail;
} er_exp_parts;

/** @param x -104 to 89, or NaN, which gives a NaN as tail */
static inline er_exp_parts er_split_exp(float x) {
  const float magic = 12582912.0f; /* 1.5 * 2^23: leaves no bits for a fraction */
  const float shifted = x * 1.44269504f + magic;
  const float n = shifted - magic;
  /* The first part of ln 2 has 9 bits, so that its product with n is exact. */
  const float r = (x - n * 0.693359375f) - n * -2.12194440e-4f;
  const float p =
      (((1.38145402e-3f * r + 8.36874511e-3f) * r + 4.16683908e-2f) * r + 1.66665204e-1f) * r +
      4.99999934e-1f;
  return (er_exp_parts){er_bits_of(shifted) - er_bits_of(magic), p * (r * r) + r};
}

/** @param n -126 to 127, as an int32 @return 2^n */
static inline float er_power_of_two(uint32_t n) { return er_float_of((n + 127u) << 23); }

/** @param x -104 to 89, or NaN @return e^x; 2^n is made of two factors, because n may lie outside
 * of a float's exponents */
static inline float er_exp_inside(float x) {
  const er_exp_parts e = er_split_exp(x);
  const uint32_t half = (uint32_t)((int32_t)e.n >> 1);
  return (1.0f + e.tail) * er_power_of_two(half) * er_power_of_two(e.n - half);
}

/** @param x at most 0, or NaN @return a term of a softmax: e^x; 0 below ER_SOFTMAX_LEAST, where
 * attention is masked: numbers below a float's least exponent would slow down all that reads them
 */
static inline float er_softmax_term(float x) {
  const float least = ER_SOFTMAX_LEAST;
  const er_exp_parts e = er_split_exp(x < least ? least : x);
  const float term = (1.0f + e.tail) * er_power_of_two(e.n);
  return x < least ? 0.0f : term;
}

/** @param x at most 89, or NaN; below -104 the result is 0 */
static inline float er_exp_below(float x) { return er_exp_inside(x < -104.0f ? -104.0f : x); }

/* Below -104 it is 0, above 89 infinite. */
static inline float er_exp(float x) { return er_exp_below(x > 89.0f ? 89.0f : x); }

/* For -80 <= x <= 80: e^x - 1. */
static inline float er_expm1_inside(float x) {
  const er_exp_parts e = er_split_exp(x);
  const float power = er_power_of_two(e.n);
  return (power - 1.0f) + power * e.tail;
}

/* For x <= 0. */
static inline float er_expm1_below(float x) { return er_expm1_inside(x < -20.0f ? -20.0f : x); }

/* x = m * 2^n with m from the root of 1/2 to that of 2: n ln 2 + log m, log (1 + f) =
 * f - f^2 / 2 + f^3 p. The polynomial is that of Moshier's Cephes library, logf. */
static inline float er_log(float x) {
  const float root = 0.707106769f;
  const float normal = x < 0x1p-126f ? x * 0x1p23f : x;
  const uint32_t above = er_bits_of(normal) - er_bits_of(root);
  const float f = er_float_of((above & 0x007FFFFFu) + er_bits_of(root)) - 1.0f;
  const float n = (float)((int32_t)above >> 23) - (x < 0x1p-126f ? 23.0f : 0.0f);
  const float z = f * f;
  const float p = (((((((7.0376836292e-2f * f - 1.1514610310e-1f) * f + 1.1676998740e-1f) * f -
                       1.2420140846e-1f) *
                          f +
                      1.4249322787e-1f) *
                         f -
                     1.6668057665e-1f) *
                        f +
                    2.0000714765e-1f) *
                       f -
                   2.4999993993e-1f) *
                      f +
                  3.3333331174e-1f;
  /* The first part of ln 2 has 9 bits, so that its product with n is exact. */
  const float value = n * 0.693359375f + (f + ((f * z * p - n * 2.12194440e-4f) - 0.5f * z));
  const float finite = x > 0.0f ? value : x < 0.0f ? NAN : -INFINITY;
  return x <= 0x1.fffffep127f ? finite : x; /* infinity and NaN */
}

/* 1 / (1 + e^-x), without overflow and with small results exact. */
static inline float er_logistic(float x) {
  const float e = er_exp_below(-fabsf(x));
  return (x < 0.0f ? e : 1.0f) / (1.0f + e);
}

/* expm1(2 |x|) / (expm1(2 |x|) + 2), with the sign of x. */
static inline float er_tanh(float x) {
  const float twice = 2.0f * fabsf(x);
  const float e = er_expm1_inside(twice > 40.0f ? 40.0f : twice); /* from 18 on it is 1 */
  return copysignf(e / (e + 2.0f), x);
}

/* x * (1 + erf(x / sqrt 2)) / 2 as max(x, 0) less a share of |x|, (1 - erf(|x| / sqrt 2)) / 2,
 * which is 2^p; beyond 6 the share is below 2^-29. */
static inline float er_gelu(float x) {
  const float magic = 12582912.0f; /* 1.5 * 2^23; its last 9 bits are zeros */
  const float magnitude = fabsf(x), t = magnitude > 6.0f ? 6.0f : magnitude;
  const float p =
      (((((((-2.83491295e-6f * t + 3.937769e-5f) * t - 1.86180245e-4f) * t - 1.36936374e-4f) * t +
          7.06342002e-3f) *
             t -
         5.24961799e-2f) *
            t -
        4.5920819e-1f) *
           t -
       1.15110517f) *
          t -
      1.0f;
  const float shifted = p + magic, f = p - (shifted - magic);
  const float power =
      (((((1.5353362e-4f * f + 1.33988739e-3f) * f + 9.61843692e-3f) * f + 5.55033237e-2f) * f +
        2.40226477e-1f) *
           f +
       6.93147182e-1f) *
          f +
      1.0f;
  const float share = er_float_of(er_bits_of(power) + (er_bits_of(shifted) << 23));
  return (x < 0.0f ? 0.0f : x) - t * share;
}

/* (1 + tanh u) / 2 is the logistic function of 2 u. */
static inline float er_gelu_tanh(float x) {
  return x * er_logistic(1.59576912f * (x + 0.044715f * x * x * x));
}

/* x less the nearest multiple n of pi / 2, in double precision: exact up to 2^20, where n and the
 * 33 bits of its first part need no more than 53. The polynomials are those of Moshier's Cephes
 * library, sinf. */
#define ER_SINE_MOST 0x1p20f

/** @param x |x| at most ER_SINE_MOST, or NaN
 * @param quarters 0: the sine of x; 1: its cosine, the sine of x + pi / 2 */
static inline float er_sine(float x, uint32_t quarters) {
  const double magic = 0x1.8p52, turned = (double)x * 0.63661977236758134 + magic;
  const double n = turned - magic;
  const float r = (float)(((double)x - n * 0x1.921fb544p0) - n * 0x1.0b4611a626331p-34);
  uint64_t bits;
  memcpy(&bits, &turned, sizeof bits);
  const uint32_t quarter = (uint32_t)bits + quarters;
  const float z = r * r;
  const float sine =
      ((-1.9515295891e-4f * z + 8.3321608736e-3f) * z - 1.6666654611e-1f) * z * r + r;
  const float cosine =
      ((2.443315711809948e-5f * z - 1.388731625493765e-3f) * z + 4.166664568298827e-2f) * (z * z) +
      (1.0f - 0.5f * z);
  const float value = quarter & 1 ? cosine : sine;
  return er_float_of(er_bits_of(value) ^ (quarter & 2) << 30);
}

#endif
