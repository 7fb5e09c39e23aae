/* Random test data: a small generator, the same numbers everywhere. */
#ifndef RANDOM_NUMBERS_H
#define RANDOM_NUMBERS_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static uint64_t random_state = 1;

/* Marsaglia's xorshift64*. */
static inline uint32_t random_bits(void) {
  random_state ^= random_state >> 12;
  random_state ^= random_state << 25;
  random_state ^= random_state >> 27;
  return (uint32_t)((random_state * UINT64_C(2685821657736338717)) >> 32);
}

static inline int32_t random_from(int32_t low, int32_t high) {
  return low + (int32_t)(random_bits() % (uint32_t)(high - low + 1));
}

/* Mostly uniform; in every fourth array only the two ends, which is where sums overflow. */
static inline void random_int8(int8_t *values, size_t count, int32_t low, int32_t high) {
  const int ends = random_from(0, 3) == 0;
  for (size_t i = 0; i < count; i++) {
    values[i] = (int8_t)(ends ? (random_bits() & 1 ? low : high) : random_from(low, high));
  }
}

static inline void random_float(float *values, size_t count) {
  for (size_t i = 0; i < count; i++) values[i] = (float)random_from(-1000, 1000) / 500.0f;
}

/* Memory as the library gives it: aligned to 64 bytes, `room` more behind, zeroed. */
static inline void *take(size_t bytes, size_t room) {
  void *memory = NULL;
  if (posix_memalign(&memory, 64, (bytes + room + 63) / 64 * 64) != 0) abort();
  memset(memory, 0, (bytes + room + 63) / 64 * 64);
  return memory;
}

#endif
