/* RESIZE_BILINEAR of bytes in two steps: an input line is mixed sideways once and serves all output
 * lines beside it, which mix two such lines. All sums are exact, so their order does not show; and
 * as the weights add up to a power of two, uint8 less 128 are int8. 16 bits: the portable loops. */
#include "avx2.h"

#define er_resize_bilinear resize_portable
static void resize_portable(const er_resize_shape *shape, edgert_type type, const void *input,
                            void *output, int32_t first, int32_t last);
#include "kernels/generic/resize_bilinear.c"

enum { BLOCK = 1024 /* elements of a line that are mixed at once */, LANES = 8, BYTES = 32 };

/* A part of all lines: some pixels, or some channels of one. */
typedef struct mixer {
  const er_resize_shape *shape;
  const uint8_t *input;
  uint8_t turned; /* bits that make bytes int8 */
  int32_t column, pixels, channel, channels;
  er_between places[BLOCK]; /* [pixels] */
  int64_t held[2];          /* which lines `mixed` holds, even and odd; -1: none */
  int32_t mixed[2][BLOCK];  /* [pixels, channels] in units of 1 / 2048 */
} mixer;

static __m128i load_lanes(const uint8_t *from) {
  return _mm_loadl_epi64((const __m128i *)(const void *)from);
}

/* Eight channels of two neighbours. @param weights of either, in turn */
static ER_ALWAYS_INLINE void mix_lanes(__m256i weights, __m128i turned, const uint8_t *low,
                                       const uint8_t *high, int32_t *mixed) {
  const __m128i pairs = _mm_unpacklo_epi8(load_lanes(low), load_lanes(high));
  const __m256i wide = _mm256_cvtepi8_epi16(_mm_xor_si128(pairs, turned));
  _mm256_storeu_si256((__m256i *)(void *)mixed, _mm256_madd_epi16(wide, weights));
}

static void mix_neighbours(const mixer *m, int32_t weight, const uint8_t *low, const uint8_t *high,
                           int32_t *mixed) {
  const __m256i weights =
      _mm256_set1_epi32(((2048 - weight) & 0xFFFF) | (int32_t)((uint32_t)weight << 16));
  const __m128i turned = _mm_set1_epi8((char)m->turned);
  if (m->channels < LANES) {
    for (int32_t c = 0; c < m->channels; ++c) {
      const int32_t a = (int8_t)(low[c] ^ m->turned), b = (int8_t)(high[c] ^ m->turned);
      mixed[c] = a * 2048 + (b - a) * weight;
    }
    return;
  }
  for (int32_t c = 0; c < m->channels; c += LANES) { /* the last ones overlap */
    const int32_t at = c + LANES <= m->channels ? c : m->channels - LANES;
    mix_lanes(weights, turned, low + at, high + at, mixed + at);
  }
}

/* @return [pixels, channels] of an input line */
static const int32_t *mixed_line(mixer *m, int64_t line) {
  int32_t *mixed = m->mixed[line & 1];
  if (m->held[line & 1] == line) return mixed;
  const er_resize_shape *s = m->shape;
  const uint8_t *from = m->input + line * s->in_w * s->c + m->channel;
  for (int32_t i = 0; i < m->pixels; ++i) {
    const er_between *x = &m->places[i];
    mix_neighbours(m, x->weight, from + (int64_t)x->low * s->c, from + (int64_t)x->high * s->c,
                   mixed + (int64_t)i * m->channels);
  }
  m->held[line & 1] = line;
  return mixed;
}

static ER_ALWAYS_INLINE __m256i blend_lanes(const int32_t *top, const int32_t *bottom,
                                            __m256i weight) {
  const __m256i t = _mm256_loadu_si256((const __m256i *)(const void *)top);
  const __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)bottom);
  const __m256i part = _mm256_mullo_epi32(_mm256_sub_epi32(b, t), weight);
  const __m256i half = _mm256_set1_epi32(1 << 21);
  const __m256i sum = _mm256_add_epi32(_mm256_slli_epi32(t, 11), _mm256_add_epi32(part, half));
  return _mm256_srai_epi32(sum, 22);
}

static ER_ALWAYS_INLINE void blend_bytes(const int32_t *top, const int32_t *bottom, __m256i weight,
                                         __m256i turned, uint8_t *output) {
  const __m256i a = _mm256_packs_epi32(blend_lanes(top, bottom, weight),
                                       blend_lanes(top + 8, bottom + 8, weight));
  const __m256i b = _mm256_packs_epi32(blend_lanes(top + 16, bottom + 16, weight),
                                       blend_lanes(top + 24, bottom + 24, weight));
  const __m256i in_order = _mm256_permutevar8x32_epi32(_mm256_packs_epi16(a, b),
                                                       _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
  _mm256_storeu_si256((__m256i *)(void *)output, _mm256_xor_si256(in_order, turned));
}

/* @param top,bottom [count]  @param y weight of the bottom line  @param output [count] */
static void blend_lines(uint8_t turned, int32_t count, const int32_t *top, const int32_t *bottom,
                        int32_t y, uint8_t *output) {
  if (count < BYTES) {
    for (int32_t i = 0; i < count; ++i) {
      const int32_t sum = top[i] * 2048 + (bottom[i] - top[i]) * y + (1 << 21);
      output[i] = (uint8_t)(sum >> 22) ^ turned;
    }
    return;
  }
  for (int32_t i = 0; i < count; i += BYTES) { /* the last ones overlap */
    const int32_t at = i + BYTES <= count ? i : count - BYTES;
    blend_bytes(top + at, bottom + at, _mm256_set1_epi32(y), _mm256_set1_epi8((char)turned),
                output + at);
  }
}

static void resize_block(mixer *m, uint8_t *output, int32_t first, int32_t last) {
  const er_resize_shape *s = m->shape;
  for (int32_t i = 0; i < m->pixels; ++i) {
    m->places[i] = place_s8(s, m->column + i, s->in_w, s->out_w);
  }
  m->held[0] = m->held[1] = -1;
  for (int32_t row = first; row < last; ++row) {
    const er_between y = place_s8(s, row % s->out_h, s->in_h, s->out_h);
    const int64_t image = (int64_t)(row / s->out_h) * s->in_h;
    const int32_t *top = mixed_line(m, image + y.low), *bottom = mixed_line(m, image + y.high);
    blend_lines(m->turned, m->pixels * m->channels, top, bottom, y.weight,
                output + ((int64_t)row * s->out_w + m->column) * s->c + m->channel);
  }
}

void er_resize_bilinear_avx2(const er_resize_shape *shape, edgert_type type, const void *input,
                             void *output, int32_t first, int32_t last) {
  if (type == EDGERT_INT16) {
    resize_portable(shape, EDGERT_INT16, input, output, first, last);
    return;
  }
  mixer m; /* 20 kB, of which small images need little */
  m.shape = shape;
  m.input = input;
  m.turned = type == EDGERT_UINT8 ? 0x80 : 0;
  const int32_t most = shape->c < BLOCK ? BLOCK / shape->c : 1;
  for (m.column = 0; m.column < shape->out_w; m.column += m.pixels) {
    m.pixels = shape->out_w - m.column < most ? shape->out_w - m.column : most;
    for (m.channel = 0; m.channel < shape->c; m.channel += m.channels) {
      m.channels = shape->c - m.channel < BLOCK ? shape->c - m.channel : BLOCK;
      resize_block(&m, output, first, last);
    }
  }
}
