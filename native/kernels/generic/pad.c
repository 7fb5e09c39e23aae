/* PAD, PADV2 and MIRROR_PAD for elements of any type: one pass over the output. The recursion is as
 * deep as the rank. */
#include <string.h>

#include "kernels/float.h"

/* Input position of output position `out` along one dimension. */
static int32_t mirrored(int32_t out, int32_t before, int32_t size, int32_t offset) {
  const int32_t at = out - before;
  if (at < 0) return -at - 1 + offset;
  return at >= size ? 2 * size - 1 - at - offset : at;
}

/* Offset in elements of the input element for an output index. */
static int64_t locate(const er_pad_shape *s, const int32_t *index, int32_t offset) {
  int64_t at = 0;
  for (int32_t d = 0; d < s->rank; d++) {
    at = at * s->in[d] + mirrored(index[d], s->before[d], s->in[d], offset);
  }
  return at;
}

static void step(const er_pad_shape *s, int32_t *index) {
  for (int32_t d = s->rank - 1; d >= 0; d--) {
    if (++index[d] < s->out[d]) return;
    index[d] = 0;
  }
}

static void repeat(const void *value, size_t element_bytes, int64_t count, char *to) {
  const unsigned char *bytes = value;
  size_t same = 1;
  while (same < element_bytes && bytes[same] == bytes[0]) same++;
  if (same == element_bytes) {
    memset(to, bytes[0], (size_t)count * element_bytes);
    return;
  }
  for (int64_t i = 0; i < count; i++, to += element_bytes) memcpy(to, value, element_bytes);
}

/* The last dimension that has a border: what lies inside of it is copied in one piece. */
static int32_t last_border(const er_pad_shape *s) {
  int32_t d = s->rank - 1;
  while (d > 0 && s->in[d] == s->out[d]) d--;
  return d;
}

/* Dimensions from `d` on: border, content, border. @return the end of what was written */
static char *pad_from(const er_pad_shape *s, int32_t d, int32_t last, size_t element_bytes,
                      const char **input, const void *value, char *to) {
  int64_t inner = 1; /* output elements of one step along d */
  for (int32_t i = d + 1; i < s->rank; i++) inner *= s->out[i];
  const int64_t before = s->before[d] * inner;
  const int64_t after = (s->out[d] - s->before[d] - s->in[d]) * inner;
  repeat(value, element_bytes, before, to);
  to += (size_t)before * element_bytes;
  if (d == last) {
    const size_t bytes = (size_t)(s->in[d] * inner) * element_bytes;
    memcpy(to, *input, bytes);
    *input += bytes;
    to += bytes;
  } else {
    for (int32_t i = 0; i < s->in[d]; i++) {
      to = pad_from(s, d + 1, last, element_bytes, input, value, to);
    }
  }
  repeat(value, element_bytes, after, to);
  return to + (size_t)after * element_bytes;
}

void er_pad(const er_pad_shape *s, size_t element_bytes, const void *input, const void *value,
            void *output) {
  const char *from = input;
  if (s->rank == 0) {
    memcpy(output, input, element_bytes);
  } else {
    pad_from(s, 0, last_border(s), element_bytes, &from, value, output);
  }
}

void er_mirror_pad(const er_pad_shape *s, size_t element_bytes, int32_t offset, const void *input,
                   void *output) {
  int32_t index[EDGERT_MAX_RANK] = {0};
  int64_t count = 1;
  for (int32_t d = 0; d < s->rank; d++) count *= s->out[d];
  char *to = output;
  for (int64_t i = 0; i < count; i++, to += element_bytes) {
    const int64_t at = locate(s, index, offset);
    memcpy(to, (const char *)input + (size_t)at * element_bytes, element_bytes);
    step(s, index);
  }
}
