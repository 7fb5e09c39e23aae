/* Elementwise functions of two float32 arguments. */
#include "kernels/binary_f32.h"

#define DEFINE(name, operation, expression)                                     \
  static void name(int32_t count, const float *a, const float *b, er_keep keep, \
                   float *restrict output) {                                    \
    for (int32_t i = 0; i < count; i++) {                                       \
      const float x = a[i], y = b[i];                                           \
      output[i] = er_kept((expression), keep);                                  \
    }                                                                           \
  }
ER_BINARY_F32(DEFINE)

#define ENTRY(name, operation, expression) [operation] = name,
static void (*const functions[])(int32_t count, const float *a, const float *b, er_keep keep,
                                 float *output) = {ER_BINARY_F32(ENTRY)};

/* An argument that is one value all along becomes a block of it, so that each function is one loop.
 */
enum { BLOCK = 64 };

static const float *spread(const float *value, float block[BLOCK]) {
  for (int32_t i = 0; i < BLOCK; i++) block[i] = *value;
  return block;
}

void er_binary_f32(er_binary op, int32_t count, const float *a, int32_t a_step, const float *b,
                   int32_t b_step, float low, float high, float *output) {
  const er_keep keep = {low, high};
  float same_a[BLOCK], same_b[BLOCK];
  if (count == 0) return;
  if (a_step == 0) a = spread(a, same_a);
  if (b_step == 0) b = spread(b, same_b);
  const int32_t most = a_step && b_step ? count : BLOCK;
  for (int32_t i = 0; i < count; i += most) {
    const int32_t here = count - i < most ? count - i : most;
    functions[op](here, a + (int64_t)i * a_step, b + (int64_t)i * b_step, keep, output + i);
  }
}
