/* 3x3 convolutions with stride 1 by minimal filtering F(2x2, 3x3) (Lavin & Gray 2016, section 4.1):
 * a tile of 2x2 outputs takes 16 products for each channel instead of 36. With patch d and filter
 * w,
 *
 *   V = B' d B     U = G w G'     Y = A' (sum over channels of U * V) A
 *
 * In integers G is twice the paper's, so U is exact, and Y is four times the result. */
#ifndef ER_WINOGRAD_H
#define ER_WINOGRAD_H

#include "linear_kernels.h"

enum {
  ER_TILE = 2,  /* outputs of a tile, in each direction */
  ER_PATCH = 4, /* inputs under a tile, in each direction */
  ER_OUTPUTS = 4,
  ER_POSITIONS = 16 /* products of a channel of a tile */
};

/* ---- int8 ------------------------------------------------------------------------------------ */

typedef struct er_winograd_s8_call {
  const er_conv_shape *shape; /* of whole images: 3x3, stride 1, one group */
  int32_t rows;               /* output lines */
  const int8_t *lines;        /* [rows + 2][out_w + 2, in_c] input lines, padding included */
  size_t line_bytes;          /* from one to the next */
  const void *packed;
  er_range_s8 range;
  int8_t *output;        /* [rows, out_w] pixels */
  int64_t output_stride; /* from one pixel to the next, >= out_c */
  void *scratch;         /* scratch_bytes, 64-byte aligned */
} er_winograd_s8_call;

typedef struct er_winograd_s8 {
  const char *name;
  size_t (*packed_bytes)(int32_t units, int32_t channels);
  /** @param weights depth is 9 * channels; four times each sum fits int32
   * @param[out] packed 64-byte aligned, zeroed */
  void (*pack)(const er_weights_s8 *weights, void *packed);
  size_t (*scratch_bytes)(int32_t channels); /* of one thread */
  void (*run)(const er_winograd_s8_call *call);
} er_winograd_s8;

/** U of a filter's channel, transposed or not: G w G' with G = [2 0 0; 1 1 1; 1 -1 1; 0 0 2].
 * @param taps [3][3], a tap every `step` */
static inline void er_winograd_filter(const int8_t *taps, int64_t step, int16_t to[ER_POSITIONS]) {
  int32_t lines[ER_PATCH][3];
  for (int32_t x = 0; x < 3; x++) {
    const int32_t a = taps[x * step], b = taps[(3 + x) * step], c = taps[(6 + x) * step];
    lines[0][x] = 2 * a, lines[1][x] = a + b + c, lines[2][x] = a - b + c, lines[3][x] = 2 * c;
  }
  for (int32_t y = 0; y < ER_PATCH; y++, to += ER_PATCH) {
    const int32_t a = lines[y][0], b = lines[y][1], c = lines[y][2];
    to[0] = (int16_t)(2 * a), to[1] = (int16_t)(a + b + c);
    to[2] = (int16_t)(a - b + c), to[3] = (int16_t)(2 * c);
  }
}

/* ---- float32: the products of each position are those of the float gemm ------------------------
 */

/* The 4x4 inputs under a tile: channel c of pixel (y, x) is lines[y][columns[x] + c]. */
typedef struct er_winograd_patch {
  const float *lines[ER_PATCH];
  int64_t columns[ER_PATCH];
} er_winograd_patch;

typedef struct er_winograd_f32 {
  const char *name;
  /** V of a patch: position i of channel c at to[i * position + c]. */
  void (*patch)(const er_winograd_patch *patch, int32_t channels, int64_t position, float *to);
  /** Y of a tile, bounded.
   * @param sums position i of unit u at [i * position + u]
   * @param outputs [units] of each pixel, line by line; apart from one another */
  void (*outputs)(int32_t units, const float *sums, int64_t position, float low, float high,
                  float *const outputs[ER_OUTPUTS]);
} er_winograd_f32;

/** The generic ones, which the others are made of. */
void er_winograd_patch_f32(const er_winograd_patch *patch, int32_t channels, int64_t position,
                           float *to);
void er_winograd_outputs_f32(int32_t units, const float *sums, int64_t position, float low,
                             float high, float *const outputs[ER_OUTPUTS]);

#endif
