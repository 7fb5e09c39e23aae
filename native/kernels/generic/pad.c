/* PAD, PADV2 and MIRROR_PAD for elements of any type: one pass over the output. The recursion is as
 * deep as the rank. */
#include <string.h>

#include "kernels/float.h"

/* The last dimension that has a border: what lies inside of it is copied in one piece. */
static int32_t last_border(const er_pad_shape *s) {
  int32_t d = s->rank - 1;
  while (d > 0 && s->in[d] == s->out[d]) d--;
  return d;
}

/* What is padded, the same for all dimensions. */
typedef struct er_padded {
  const er_pad_shape *shape;
  int32_t last;                                     /* the last dimension that has a border */
  size_t in[EDGERT_MAX_RANK], out[EDGERT_MAX_RANK]; /* bytes of one step along each dimension */
} er_padded;

static er_padded padded_of(const er_pad_shape *s, size_t element_bytes) {
  er_padded p = {.shape = s, .last = last_border(s)};
  size_t in = element_bytes, out = element_bytes;
  for (int32_t d = s->rank - 1; d >= 0; d--) {
    p.in[d] = in, p.out[d] = out;
    in *= (size_t)s->in[d], out *= (size_t)s->out[d];
  }
  return p;
}

/* An element, and whether all its bytes are the same. */
typedef struct er_value {
  const unsigned char *bytes;
  size_t count;
  bool even;
} er_value;

static er_value value_of(const void *element, size_t bytes) {
  er_value value = {element, bytes, true};
  for (size_t i = 1; i < bytes; i++) value.even = value.even && value.bytes[i] == value.bytes[0];
  return value;
}

static void fill(const er_value *value, size_t bytes, char *to) {
  if (value->even) {
    memset(to, value->bytes[0], bytes);
    return;
  }
  memcpy(to, value->bytes, value->count);
  for (size_t done = value->count; done < bytes; done *= 2) { /* by what is there */
    memcpy(to + done, to, bytes - done < done ? bytes - done : done);
  }
}

/* Dimensions from `d` on: border, content, border. */
static void pad_from(const er_padded *p, int32_t d, const er_value *value, const char *from,
                     char *to) {
  const er_pad_shape *s = p->shape;
  const size_t step = p->out[d], before = (size_t)s->before[d] * step;
  const size_t inside = (size_t)s->in[d] * step, all = (size_t)s->out[d] * step;
  if (before > 0) fill(value, before, to);
  if (d == p->last) {
    memcpy(to + before, from, inside);
  } else {
    for (size_t at = before; at < before + inside; at += step, from += p->in[d]) {
      pad_from(p, d + 1, value, from, to + at);
    }
  }
  if (before + inside < all) fill(value, all - before - inside, to + before + inside);
}

void er_pad(const er_pad_shape *s, size_t element_bytes, const void *input, const void *element,
            void *output) {
  if (s->rank == 0) {
    memcpy(output, input, element_bytes);
    return;
  }
  const er_padded padded = padded_of(s, element_bytes);
  const er_value value = value_of(element, element_bytes);
  pad_from(&padded, 0, &value, input, output);
}

/* Input position of output position `out` along one dimension. */
static int32_t mirrored(int32_t out, int32_t before, int32_t size, int32_t offset) {
  const int32_t at = out - before;
  if (at < 0) return -at - 1 + offset;
  return at >= size ? 2 * size - 1 - at - offset : at;
}

/* Dimensions from `d` on. */
static void mirror_from(const er_padded *p, int32_t d, int32_t offset, const char *from, char *to) {
  const er_pad_shape *s = p->shape;
  const int32_t end = s->before[d] + s->in[d];
  for (int32_t i = 0; i < s->out[d]; i++, to += p->out[d]) {
    const int32_t at = mirrored(i, s->before[d], s->in[d], offset);
    const char *step = from + (size_t)at * p->in[d];
    if (d < p->last) {
      mirror_from(p, d + 1, offset, step, to);
    } else if (i == s->before[d]) { /* all that lies inside at once */
      memcpy(to, step, (size_t)s->in[d] * p->in[d]);
    } else if (i < s->before[d] || i >= end) {
      memcpy(to, step, p->in[d]);
    }
  }
}

void er_mirror_pad(const er_pad_shape *s, size_t element_bytes, int32_t offset, const void *input,
                   void *output) {
  if (s->rank == 0) {
    memcpy(output, input, element_bytes);
    return;
  }
  const er_padded padded = padded_of(s, element_bytes);
  mirror_from(&padded, 0, offset, input, output);
}
