/* RESIZE_BILINEAR in float32. */
#include <math.h>

#include "kernels/float.h"

typedef struct tap {
  int32_t near, far; /* input positions, `far` = `near` at the border */
  float weight;      /* of `far` */
} tap;

static tap tap_of(int32_t out, int32_t in_size, int32_t out_size, const er_resize_shape *s) {
  const bool corners = s->align_corners && out_size > 1;
  const float scale =
      corners ? (float)(in_size - 1) / (float)(out_size - 1) : (float)in_size / (float)out_size;
  const float at = s->half_pixel_centers ? ((float)out + 0.5f) * scale - 0.5f : (float)out * scale;
  const float floor_at = floorf(at);
  const int32_t low = (int32_t)floor_at, last = in_size - 1;
  const int32_t near = low < 0 ? 0 : low > last ? last : low;
  const int32_t far = low + 1 > last ? last : low + 1;
  return (tap){near, far, at - floor_at};
}

static float mix(float a, float b, float weight) { return a + (b - a) * weight; }

/* One pixel of `channels` from its four neighbours; a vector loop. */
static void mix_pixels(int32_t channels, const float *top, const float *bottom, tap x, float down,
                       float *restrict to) {
  const int64_t left = (int64_t)x.near * channels, right = (int64_t)x.far * channels;
  for (int32_t c = 0; c < channels; c++) {
    const float above = mix(top[left + c], top[right + c], x.weight);
    to[c] = mix(above, mix(bottom[left + c], bottom[right + c], x.weight), down);
  }
}

enum { COLUMNS = 64 }; /* whose neighbours are found once for all rows */

void er_resize_bilinear_f32(const er_resize_shape *s, const float *input, float *output,
                            int32_t first, int32_t last) {
  tap taps[COLUMNS];
  for (int32_t start = 0; start < s->out_w; start += COLUMNS) {
    const int32_t columns = s->out_w - start < COLUMNS ? s->out_w - start : COLUMNS;
    for (int32_t i = 0; i < columns; i++) taps[i] = tap_of(start + i, s->in_w, s->out_w, s);
    for (int32_t row = first; row < last; row++) {
      const tap y = tap_of(row % s->out_h, s->in_h, s->out_h, s);
      const float *image = input + (int64_t)(row / s->out_h) * s->in_h * s->in_w * s->c;
      const float *top = image + (int64_t)y.near * s->in_w * s->c;
      const float *bottom = image + (int64_t)y.far * s->in_w * s->c;
      float *to = output + ((int64_t)row * s->out_w + start) * s->c;
      for (int32_t i = 0; i < columns; i++, to += s->c) {
        mix_pixels(s->c, top, bottom, taps[i], y.weight, to);
      }
    }
  }
}
