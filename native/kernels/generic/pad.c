/* PAD, PADV2 and MIRROR_PAD for elements of any type: one pass over the output. */
#include <string.h>

#include "kernels/float.h"

/* Input position of output position `out` along one dimension, -1 when it is in the border. */
typedef int32_t (*border_rule)(int32_t out, int32_t before, int32_t size, int32_t offset);

static int32_t constant_border(int32_t out, int32_t before, int32_t size, int32_t offset) {
  (void)offset;
  const int32_t at = out - before;
  return at < 0 || at >= size ? -1 : at;
}

static int32_t mirrored(int32_t out, int32_t before, int32_t size, int32_t offset) {
  const int32_t at = out - before;
  if (at < 0) return -at - 1 + offset;
  return at >= size ? 2 * size - 1 - at - offset : at;
}

/* Offset in elements of the input element for an output index, or -1. */
static int64_t locate(const er_pad_shape *s, border_rule rule, const int32_t *index,
                      int32_t offset) {
  int64_t at = 0;
  for (int32_t d = 0; d < s->rank; d++) {
    const int32_t i = rule(index[d], s->before[d], s->in[d], offset);
    if (i < 0) return -1;
    at = at * s->in[d] + i;
  }
  return at;
}

static void step(const er_pad_shape *s, int32_t *index) {
  for (int32_t d = s->rank - 1; d >= 0; d--) {
    if (++index[d] < s->out[d]) return;
    index[d] = 0;
  }
}

static void fill(const er_pad_shape *s, size_t element_bytes, border_rule rule, int32_t offset,
                 const void *input, const void *value, void *output) {
  int32_t index[EDGERT_MAX_RANK] = {0};
  int64_t count = 1;
  for (int32_t d = 0; d < s->rank; d++) count *= s->out[d];
  char *to = output;
  for (int64_t i = 0; i < count; i++, to += element_bytes) {
    const int64_t at = locate(s, rule, index, offset);
    const void *from = at < 0 ? value : (const char *)input + (size_t)at * element_bytes;
    memcpy(to, from, element_bytes);
    step(s, index);
  }
}

void er_pad(const er_pad_shape *s, size_t element_bytes, const void *input, const void *value,
            void *output) {
  fill(s, element_bytes, constant_border, 0, input, value, output);
}

void er_mirror_pad(const er_pad_shape *s, size_t element_bytes, int32_t offset, const void *input,
                   void *output) {
  fill(s, element_bytes, mirrored, offset, input, NULL, output);
}
