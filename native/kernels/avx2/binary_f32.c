/* Elementwise functions of two float32 arguments, either of which may be one value all along: loops
 * that the compiler turns into vectors of eight. */
#include "kernels/binary_f32.h"

#include "avx2.h"

#define LOOP(of_a, of_b, expression)         \
  for (int32_t i = 0; i < count; i++) {      \
    const float x = (of_a), y = (of_b);      \
    output[i] = er_kept((expression), keep); \
  }

#define DEFINE(name, operation, expression)                                                   \
  static void name(int32_t count, const float *a, bool a_stays, const float *b, bool b_stays, \
                   er_keep keep, float *restrict output) {                                    \
    const float same_a = *a, same_b = *b;                                                     \
    if (a_stays) {                                                                            \
      LOOP(same_a, b[i], expression)                                                          \
    } else if (b_stays) {                                                                     \
      LOOP(a[i], same_b, expression)                                                          \
    } else {                                                                                  \
      LOOP(a[i], b[i], expression)                                                            \
    }                                                                                         \
  }
ER_BINARY_F32(DEFINE)

#define ENTRY(name, operation, expression) [operation] = name,
static void (*const functions[])(int32_t count, const float *a, bool a_stays, const float *b,
                                 bool b_stays, er_keep keep,
                                 float *output) = {ER_BINARY_F32(ENTRY)};

void er_binary_f32_avx2(er_binary op, int32_t count, const float *a, int32_t a_step, const float *b,
                        int32_t b_step, float low, float high, float *output) {
  if (count == 0) return;
  if (a_step == 0 && b_step == 0) {
    er_binary_f32(op, count, a, a_step, b, b_step, low, high, output);
  } else {
    functions[op](count, a, a_step == 0, b, b_step == 0, (er_keep){low, high}, output);
  }
}
