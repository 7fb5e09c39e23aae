/* RESIZE_NEAREST_NEIGHBOR for elements of any type. */
#include <math.h>
#include <string.h>

#include "kernels/float.h"

static int32_t source(int32_t out, int32_t in_size, int32_t out_size, const er_resize_shape *s) {
  const bool corners = s->align_corners && out_size > 1;
  const float scale =
      corners ? (float)(in_size - 1) / (float)(out_size - 1) : (float)in_size / (float)out_size;
  const float offset = s->half_pixel_centers ? 0.5f : 0.0f;
  const float at = ((float)out + offset) * scale;
  const int32_t index = (int32_t)(s->align_corners ? roundf(at) : floorf(at));
  return index < 0 ? 0 : index > in_size - 1 ? in_size - 1 : index;
}

void er_resize_nearest(const er_resize_shape *s, size_t element_bytes, const void *input,
                       void *output, int32_t first, int32_t last) {
  const size_t pixel = (size_t)s->c * element_bytes;
  for (int32_t row = first; row < last; row++) {
    const size_t y = (size_t)(row / s->out_h) * (size_t)s->in_h +
                     (size_t)source(row % s->out_h, s->in_h, s->out_h, s);
    const char *line = (const char *)input + y * (size_t)s->in_w * pixel;
    char *to = (char *)output + (size_t)row * (size_t)s->out_w * pixel;
    for (int32_t x = 0; x < s->out_w; x++, to += pixel) {
      memcpy(to, line + (size_t)source(x, s->in_w, s->out_w, s) * pixel, pixel);
    }
  }
}
