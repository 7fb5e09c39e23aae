/* Packing: which quads are safe to multiply in pairs of bytes, and the weights in that order. */
#include "gemm_s8_panel.h"

/* 255 * 128 <= 32767 and -255 * 128 >= -32768: what the weights of a pair may add up to. */
enum { SAFE = 128 };

size_t er_s8_packed_bytes(int32_t units, int32_t depth) {
  return ((size_t)units + UNITS - 1) / UNITS * er_s8_panel_bytes(depth);
}

/* The units of one panel. */
typedef struct source {
  const er_weights_s8 *weights;
  int32_t first, count; /* units that exist */
  int32_t width;        /* UNITS or NARROW */
  int32_t orders;       /* to try; 0: all quads are exact */
} source;

/* @param[out] quad [UNITS][QUAD] the weights of depth d.. in slot order, zeros where there are none
 */
static void gather(const source *s, int32_t d, int8_t *quad) {
  const int32_t depth = s->weights->depth, left = depth - d < QUAD ? depth - d : QUAD;
  memset(quad, 0, UNITS * QUAD);
  for (int32_t slot = 0; slot < s->width; slot++) {
    const int32_t unit = er_unit_of_slot(LANES, s->width != NARROW, slot);
    if (unit >= s->count) continue;
    const int8_t *from = s->weights->values + (int64_t)(s->first + unit) * depth + d;
    memcpy(quad + slot * QUAD, from, (size_t)left);
  }
}

/* Whether in some pair the weights of one sign add up to too much. */
static bool overflows(__m256i weights) {
  const __m256i zero = _mm256_setzero_si256(), ones = _mm256_set1_epi8(1);
  const __m256i up = _mm256_max_epi8(weights, zero);
  const __m256i down = _mm256_abs_epi8(_mm256_min_epi8(weights, zero)); /* unsigned: 128 fits */
  const __m256i up_sums = _mm256_maddubs_epi16(up, ones);
  const __m256i down_sums = _mm256_maddubs_epi16(down, ones);
  const __m256i most = _mm256_max_epi16(up_sums, down_sums);
  return _mm256_movemask_epi8(_mm256_cmpgt_epi16(most, _mm256_set1_epi16(SAFE))) != 0;
}

/* @return the first order in which all pairs are safe, the quad brought into it; or -1 */
static int32_t find_order(int32_t orders, int8_t *quad) {
  __m256i *halves = (__m256i *)(void *)quad;
  const __m256i a = _mm256_loadu_si256(halves), b = _mm256_loadu_si256(halves + 1);
  for (int32_t order = 0; order < orders; order++) {
    const __m256i shuffle = er_quad_order(order);
    const __m256i low = _mm256_shuffle_epi8(a, shuffle), high = _mm256_shuffle_epi8(b, shuffle);
    if (overflows(low) || overflows(high)) continue;
    _mm256_storeu_si256(halves, low);
    _mm256_storeu_si256(halves + 1, high);
    return order;
  }
  return -1;
}

static void subtract_lift(const source *s, const int8_t *quad, er_s8_panel *to) {
  for (int32_t slot = 0; slot < s->width; slot++) {
    const int8_t *w = quad + slot * QUAD;
    to->bias[slot] =
        (int32_t)((uint32_t)to->bias[slot] - 128u * (uint32_t)(w[0] + w[1] + w[2] + w[3]));
  }
}

/* From [width][4] to [2][width][2]. */
static void store_exact(const source *s, const int8_t *quad, int8_t *to) {
  for (int32_t slot = 0; slot < s->width; slot++) {
    memcpy(to + slot * 2, quad + slot * QUAD, 2);
    memcpy(to + (s->width + slot) * 2, quad + slot * QUAD + 2, 2);
  }
}

/* Depth [d, end): safe quads from the front, the others from the back.
 * @return how many are safe */
static int32_t pack_chunk(const source *s, int32_t d, int32_t end, er_s8_panel *to) {
  const int32_t depth = s->weights->depth;
  const int64_t bytes = (int64_t)s->width * QUAD;
  uint16_t *places = er_s8_places(to, depth) + d / QUAD;
  int8_t *weights = er_s8_weights(to, depth) + d / QUAD * bytes;
  int32_t safe = 0, exact = (end - d) / QUAD;
  for (int32_t at = d; at < end; at += QUAD) {
    int8_t quad[UNITS * QUAD];
    gather(s, at, quad);
    const int32_t order = find_order(s->orders, quad);
    if (order < 0) {
      exact--;
      store_exact(s, quad, weights + exact * bytes);
      places[exact] = (uint16_t)(at - d);
      continue;
    }
    subtract_lift(s, quad, to);
    memcpy(weights + safe * bytes, quad, (size_t)bytes);
    places[safe++] = (uint16_t)(order * ORDER_BYTES + at - d);
  }
  return safe;
}

/* With one panel it does not pay to prepare the rows in two ways: all quads are alike. */
static int32_t choose_orders(const source *s) {
  const int32_t orders = er_s8_orders(s->weights->units);
  if (s->weights->units > UNITS) return orders;
  for (int32_t d = 0; d < s->weights->depth; d += QUAD) {
    int8_t quad[UNITS * QUAD];
    gather(s, d, quad);
    if (find_order(1, quad) < 0) return 0;
  }
  return 1;
}

static void pack_panel(const er_weights_s8 *weights, int32_t first, er_s8_panel *to) {
  const int32_t left = weights->units - first, depth = er_s8_padded(weights->depth);
  source s = {weights, first, left < UNITS ? left : UNITS, left <= NARROW ? NARROW : UNITS, 0};
  s.orders = choose_orders(&s);
  for (int32_t slot = 0; slot < s.width; slot++) {
    const int32_t unit = first + er_unit_of_slot(LANES, s.width != NARROW, slot);
    if (unit >= weights->units) continue;
    to->bias[slot] = er_bias_less_zero_point(weights, unit, (int64_t)unit * weights->depth, 1);
    to->scale[slot] = weights->scale[unit];
  }
  for (int32_t d = 0; d < depth; d += CHUNK) {
    const int32_t end = depth - d < CHUNK ? depth : d + CHUNK;
    er_s8_safe(to)[d / CHUNK] = pack_chunk(&s, d, end, to);
  }
}

void er_s8_pack(const er_weights_s8 *weights, void *packed) {
  char *to = packed;
  for (int32_t u = 0; u < weights->units; u += UNITS, to += er_s8_panel_bytes(weights->depth)) {
    pack_panel(weights, u, (er_s8_panel *)(void *)to);
  }
}
