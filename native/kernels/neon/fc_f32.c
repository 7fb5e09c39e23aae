/* FULLY_CONNECTED in float32, weights as they lie in the file: dot products in 16 partial sums. */
#include "kernels/neon/intrinsics.h"
#include "kernels/neon/layer.h"
#include "kernels/neon/unroll.h"

enum { VECTORS = 4, LANES = 4 * VECTORS };

#ifdef __aarch64__
#define MULTIPLY_ADD vfmaq_f32
#else
#define MULTIPLY_ADD vmlaq_f32
#endif

static float dot(const float *a, const float *b, int32_t count) {
  float32x4_t sums[VECTORS];
  ER_UNROLL for (int v = 0; v < VECTORS; v++) sums[v] = vdupq_n_f32(0.0f);
  int32_t i = 0;
  for (; i + LANES <= count; i += LANES) {
    ER_UNROLL for (int v = 0; v < VECTORS; v++) {
      sums[v] = MULTIPLY_ADD(sums[v], vld1q_f32(a + i + 4 * v), vld1q_f32(b + i + 4 * v));
    }
  }
  float lanes[4];
  vst1q_f32(lanes, vaddq_f32(vaddq_f32(sums[0], sums[1]), vaddq_f32(sums[2], sums[3])));
  float sum = (lanes[0] + lanes[2]) + (lanes[1] + lanes[3]);
  for (; i < count; i++) sum += a[i] * b[i];
  return sum;
}

void er_fc_f32_neon(const er_fc_shape *s, const float *input, const float *weights,
                    const float *bias, float low, float high, float *output, int32_t first,
                    int32_t last) {
  for (int32_t u = first; u < last; u++) {
    const float *row = weights + (int64_t)u * s->depth;
    for (int32_t r = 0; r < s->rows; r++) {
      const float sum = dot(input + (int64_t)r * s->depth, row, s->depth) + (bias ? bias[u] : 0.0f);
      const float bounded = sum < low ? low : sum;
      output[(int64_t)r * s->units + u] = bounded > high ? high : bounded;
    }
  }
}
