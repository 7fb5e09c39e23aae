#include <string.h>

#include "kernels/copy.h"

/* A copy with a constant size compiles to one load and one store. */
#define COPY_ROW(bytes)                                    \
  for (int64_t i = 0; i < count; ++i) {                    \
    memcpy(out + i * out_step, in + i * in_step, (bytes)); \
  }

static void copy_row(uint8_t *out, int64_t out_step, const uint8_t *in, int64_t in_step,
                     int64_t count, int64_t block) {
  switch (block) {
    case 1:
      COPY_ROW(1)
      break;
    case 2:
      COPY_ROW(2)
      break;
    case 4:
      COPY_ROW(4)
      break;
    case 8:
      COPY_ROW(8)
      break;
    default:
      COPY_ROW((size_t)block)
      break;
  }
}

/* Step the index of the dimensions [1, rank - 1) by one, like an odometer. */
static int advance(const er_copy *copy, int64_t *index, int64_t *out_at, int64_t *in_at) {
  for (int32_t d = copy->rank - 2; d >= 1; --d) {
    *out_at += copy->out_stride[d];
    *in_at += copy->in_stride[d];
    if (++index[d] < copy->dims[d]) return 1;
    *out_at -= copy->out_stride[d] * copy->dims[d];
    *in_at -= copy->in_stride[d] * copy->dims[d];
    index[d] = 0;
  }
  return 0;
}

static void copy_slab(const er_copy *copy, uint8_t *out, const uint8_t *in) {
  const int32_t last = copy->rank - 1;
  int64_t index[ER_COPY_RANK] = {0};
  int64_t out_at = 0;
  int64_t in_at = 0;
  do {
    copy_row(out + out_at, copy->out_stride[last], in + in_at, copy->in_stride[last],
             copy->dims[last], copy->block);
  } while (advance(copy, index, &out_at, &in_at));
}

void er_copy_strided(const er_copy *copy, int64_t first, int64_t last, void *out, const void *in) {
  uint8_t *to = (uint8_t *)out + copy->out_offset;
  const uint8_t *from = (const uint8_t *)in + copy->in_offset;
  if (copy->rank == 0) {
    memcpy(to, from, (size_t)copy->block);
  } else if (copy->rank == 1) {
    copy_row(to + first * copy->out_stride[0], copy->out_stride[0],
             from + first * copy->in_stride[0], copy->in_stride[0], last - first, copy->block);
  } else {
    for (int64_t i = first; i < last; ++i) {
      copy_slab(copy, to + i * copy->out_stride[0], from + i * copy->in_stride[0]);
    }
  }
}
