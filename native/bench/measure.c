/* Times, the length of a cycle, and memory with random contents. */
#include "measure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUND_NANOSECONDS = 200000, CHAIN = 100000 };

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* Four to a step of the loop: a step may take two cycles, by where the compiler puts it. */
static void add_chain(void *arg) {
  uint64_t sum = 0;
  for (int32_t i = 0; i < CHAIN; i += 4) {
    for (int k = 0; k < 4; k++) {
      sum += (uint64_t)i;
      __asm__ volatile("" : "+r"(sum)); /* keeps the chain */
    }
  }
  *(uint64_t *)arg = sum;
}

static double nanoseconds(subject s, int32_t times) {
  const int64_t start = now();
  for (int32_t i = 0; i < times; i++) s.run(s.arg);
  return (double)(now() - start) / times;
}

static int32_t times_in_a_round(double once) {
  const double fitting = ROUND_NANOSECONDS / (once > 1 ? once : 1);
  return fitting < 1 ? 1 : fitting > 1e6 ? 1000000 : (int32_t)fitting;
}

void least_of_each(const subject *subjects, int32_t count, int32_t rounds, double *best) {
  for (int32_t i = 0; i < count; i++) best[i] = nanoseconds(subjects[i], 1);
  for (int32_t round = 0; round < rounds; round++) {
    for (int32_t i = 0; i < count; i++) {
      const double time = nanoseconds(subjects[i], times_in_a_round(best[i]));
      best[i] = time < best[i] ? time : best[i];
    }
  }
}

double nanoseconds_of_cycle(int32_t rounds) {
  static double best = 1e9;
  uint64_t result;
  double time;
  least_of_each(&(subject){add_chain, &result}, 1, rounds, &time);
  best = time / CHAIN < best ? time / CHAIN : best;
  return best;
}

void *take(size_t bytes) {
  const size_t rounded = (bytes + 2 * ER_OVERREAD + 63) / 64 * 64;
  void *memory = aligned_alloc(64, rounded);
  if (!memory) exit(EXIT_FAILURE);
  memset(memory, 0, rounded);
  return memory;
}

static int32_t next_random(uint32_t *state, int32_t most) {
  *state = *state * 1664525 + 1013904223;
  return (int32_t)(*state >> 16) % (2 * most + 1) - most;
}

int8_t *take_random(size_t bytes, int32_t most) {
  int8_t *memory = take(bytes);
  uint32_t state = 1;
  for (size_t i = 0; i < bytes; i++) memory[i] = (int8_t)next_random(&state, most);
  return memory;
}

/* A normal distribution, nearly: the sum of twelve numbers. */
static int32_t next_normal(uint32_t *state) {
  int32_t sum = 0;
  for (int i = 0; i < 12; i++) sum += next_random(state, 1000);
  return sum;
}

int8_t *take_weights(int32_t units, int32_t depth, int32_t most) {
  int8_t *memory = take((size_t)units * (size_t)depth), *unit = memory;
  int32_t *real = take((size_t)depth * sizeof *real);
  uint32_t state = 1;
  for (int32_t u = 0; u < units; u++, unit += depth) {
    int32_t largest = 1;
    for (int32_t d = 0; d < depth; d++) {
      real[d] = next_normal(&state);
      if (abs(real[d]) > largest) largest = abs(real[d]);
    }
    for (int32_t d = 0; d < depth; d++) {
      unit[d] = (int8_t)lroundf((float)real[d] * (float)most / (float)largest);
    }
  }
  free(real);
  return memory;
}

int8_t *take_rounded(const int8_t *values, size_t count, int32_t most) {
  int8_t *memory = take(count);
  for (size_t i = 0; i < count; i++) {
    memory[i] = (int8_t)lroundf((float)values[i] * (float)most / 127.0f);
  }
  return memory;
}

float *take_floats(size_t count, float value) {
  float *memory = take(count * sizeof *memory);
  for (size_t i = 0; i < count; i++) memory[i] = value;
  return memory;
}
