/* CONV_2D in float32: gather the pixels of a tile of outputs, then multiply with packed weights.
 *
 * Weights are packed as [group][block of 8 output channels][depth][8], so that the innermost loop
 * runs over 8 neighbouring floats: one or two vectors on every machine. */
#include <string.h>

#include "kernels/float.h"

enum { BLOCK = 8, TILE = 4 }; /* output channels in a block, output pixels in a tile */

static int32_t depth_of(const er_conv_shape *s) { return s->filter_h * s->filter_w * s->filter_c; }

static int32_t blocks_of(const er_conv_shape *s) {
  return (s->out_c / s->groups + BLOCK - 1) / BLOCK;
}

size_t er_conv_f32_packed_bytes(const er_conv_shape *s) {
  return (size_t)s->groups * (size_t)blocks_of(s) * (size_t)depth_of(s) * BLOCK * sizeof(float);
}

void er_conv_f32_pack(const er_conv_shape *s, const float *weights, void *packed) {
  const int32_t depth = depth_of(s), per_group = s->out_c / s->groups;
  float *to = packed;
  for (int32_t g = 0; g < s->groups; g++) {
    for (int32_t block = 0; block < blocks_of(s); block++) {
      for (int32_t k = 0; k < depth; k++) {
        for (int32_t j = 0; j < BLOCK; j++) {
          const int32_t o = block * BLOCK + j;
          *to++ = o < per_group ? weights[(int64_t)(g * per_group + o) * depth + k] : 0.0f;
        }
      }
    }
  }
}

size_t er_conv_f32_scratch_bytes(const er_conv_shape *s) {
  return (size_t)TILE * (size_t)depth_of(s) * sizeof(float);
}

/* Inputs of one output pixel and group; outside of the image is 0.
 * @param patch [filter_h, filter_w, filter_c] */
static void gather(const er_conv_shape *s, const float *image, int32_t group, int32_t y, int32_t x,
                   float *patch) {
  const size_t run = (size_t)s->filter_c * sizeof(float);
  for (int32_t i = 0; i < s->filter_h; i++) {
    const int32_t iy = y * s->stride_h - s->pad_top + i * s->dilation_h;
    for (int32_t j = 0; j < s->filter_w; j++, patch += s->filter_c) {
      const int32_t ix = x * s->stride_w - s->pad_left + j * s->dilation_w;
      if (iy < 0 || iy >= s->in_h || ix < 0 || ix >= s->in_w) {
        memset(patch, 0, run);
      } else {
        memcpy(patch, image + ((int64_t)iy * s->in_w + ix) * s->in_c + group * s->filter_c, run);
      }
    }
  }
}

/* sums[t][j] = bias + patch[t] . packed[:, j], the depth in its natural order.
 * @param patches [TILE, depth]  @param packed [depth, BLOCK]  @param sums [TILE, BLOCK] */
static void multiply(int32_t depth, const float *patches, const float *packed,
                     float sums[TILE][BLOCK]) {
  float s0[BLOCK], s1[BLOCK], s2[BLOCK], s3[BLOCK];
  for (int32_t j = 0; j < BLOCK; j++) s0[j] = s1[j] = s2[j] = s3[j] = 0.0f;
  for (int32_t k = 0; k < depth; k++, packed += BLOCK) {
    const float a0 = patches[k], a1 = patches[depth + k];
    const float a2 = patches[2 * (int64_t)depth + k], a3 = patches[3 * (int64_t)depth + k];
    for (int32_t j = 0; j < BLOCK; j++) {
      s0[j] += a0 * packed[j];
      s1[j] += a1 * packed[j];
      s2[j] += a2 * packed[j];
      s3[j] += a3 * packed[j];
    }
  }
  memcpy(sums[0], s0, sizeof s0);
  memcpy(sums[1], s1, sizeof s1);
  memcpy(sums[2], s2, sizeof s2);
  memcpy(sums[3], s3, sizeof s3);
}

/* Bias, activation, store: `count` channels of one pixel. */
static void finish(const float *sums, const float *bias, int32_t count, float low, float high,
                   float *output) {
  for (int32_t j = 0; j < count; j++) {
    const float sum = sums[j] + (bias ? bias[j] : 0.0f);
    const float bounded = sum < low ? low : sum;
    output[j] = bounded > high ? high : bounded;
  }
}

/* `pixels` (at most TILE) outputs of one line and group.
 * @param patches [TILE, depth]  @param output the first pixel's channels of this group */
static void tile(const er_conv_shape *s, const float *patches, const float *packed,
                 const float *bias, int32_t pixels, float low, float high, float *output) {
  const int32_t depth = depth_of(s), per_group = s->out_c / s->groups;
  for (int32_t o = 0; o < per_group; o += BLOCK) {
    float sums[TILE][BLOCK];
    multiply(depth, patches, packed + (int64_t)o * depth, sums);
    const int32_t count = per_group - o < BLOCK ? per_group - o : BLOCK;
    for (int32_t t = 0; t < pixels; t++) {
      finish(sums[t], bias ? bias + o : NULL, count, low, high, output + (int64_t)t * s->out_c + o);
    }
  }
}

void er_conv_f32(const er_conv_shape *s, const float *input, const void *packed, const float *bias,
                 float low, float high, float *output, int32_t first, int32_t last, void *scratch) {
  const int32_t depth = depth_of(s), per_group = s->out_c / s->groups;
  const int64_t group_floats = (int64_t)blocks_of(s) * depth * BLOCK;
  float *patches = scratch;
  memset(patches, 0, er_conv_f32_scratch_bytes(s));
  for (int32_t row = first; row < last; row++) {
    const float *image = input + (int64_t)(row / s->out_h) * s->in_h * s->in_w * s->in_c;
    for (int32_t x = 0; x < s->out_w; x += TILE) {
      const int32_t pixels = s->out_w - x < TILE ? s->out_w - x : TILE;
      for (int32_t g = 0; g < s->groups; g++) {
        for (int32_t t = 0; t < pixels; t++) {
          gather(s, image, g, row % s->out_h, x + t, patches + (int64_t)t * depth);
        }
        tile(s, patches, (const float *)packed + g * group_floats,
             bias ? bias + g * per_group : NULL, pixels, low, high,
             output + ((int64_t)row * s->out_w + x) * s->out_c + g * per_group);
      }
    }
  }
}
