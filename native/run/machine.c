#define _GNU_SOURCE /* sched_setaffinity */
#include "run/machine.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

bool machine_use_cpus(uint64_t mask) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (int i = 0; i < 64; i++) {
    if (mask >> i & 1) CPU_SET(i, &set);
  }
  return sched_setaffinity(0, sizeof set, &set) == 0;
}

/* ---- clock ----------------------------------------------------------------------------------- */

static int64_t nanoseconds_of(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int64_t machine_cpu_nanoseconds(void) { return nanoseconds_of(CLOCK_PROCESS_CPUTIME_ID); }

enum { CHAIN = 1 << 20, ROUNDS = 15 };

/* Additions that wait for each other take one cycle each on every core we know; the empty asm keeps
 * the compiler from joining them. */
static int64_t time_chain(void) {
  uint32_t sum = 1, step = 3;
  __asm__ volatile("" : "+r"(step));
  int64_t start = nanoseconds_of(CLOCK_MONOTONIC);
  for (int32_t i = 0; i < CHAIN / 16; i++) {
#define ADD    \
  sum += step; \
  __asm__ volatile("" : "+r"(sum));
#define ADD_4 ADD ADD ADD ADD
    ADD_4 ADD_4 ADD_4 ADD_4
  }
  return nanoseconds_of(CLOCK_MONOTONIC) - start;
}

/* The shortest of several rounds: the first ones wake the core up, others may be interrupted. */
double machine_hertz(void) {
  int64_t least = INT64_MAX;
  for (int32_t i = 0; i < ROUNDS; i++) {
    int64_t time = time_chain();
    if (time < least) least = time;
  }
  return CHAIN / ((double)least * 1e-9);
}

/* ---- peaks ----------------------------------------------------------------------------------- */

/* By instruction set: the best that exact int8 arithmetic allows (no saturating shortcut), from the
 * cores' optimization guides. The first row whose word stands in edgert_isa() counts. */
static const struct {
  const char *word;
  machine_peak peak;
} peaks[] = {
    {"amx", {"AMX with 16 x 64 int8 and AVX-512 with 2 x 16 float lanes", 1024, 32}},
    {"avx512", {"AVX-512 with 2 x 64 int8 and 2 x 16 float lanes", 128, 32}},
    {"avxvnni", {"AVX-VNNI with 2 x 32 int8 and 2 x 8 float lanes", 64, 16}},
    {"avx2", {"AVX2 with 2 x 16 int8 and 2 x 8 float lanes", 32, 16}},
    {"i8mm", {"ARMv8.6 with 2 SMMLA and 2 FMLA", 64, 8}},
    {"dotprod", {"ARMv8.2 with 2 SDOT and 2 FMLA (Cortex-A76)", 32, 8}},
    {"neon", {"ARMv8.0 with one multiplier (Cortex-A72)", 8, 4}},
};
#if defined(__x86_64__)
static const machine_peak baseline = {"SSE2 with 2 x 8 int8 and 2 x 4 float lanes", 16, 8};
#elif defined(__aarch64__) || defined(__ARM_NEON)
static const machine_peak baseline = {"ARM SIMD with one multiplier (Cortex-A72)", 8, 4};
#else
static const machine_peak baseline = {"one scalar multiplier", 1, 1};
#endif

machine_peak machine_find_peak(const char *isa) {
  for (size_t i = 0; i < sizeof peaks / sizeof peaks[0]; i++) {
    if (strstr(isa, peaks[i].word)) return peaks[i].peak;
  }
  return baseline;
}

/* ---- what slows it down ---------------------------------------------------------------------- */

/* text: [bytes] @return whether the file's first line could be read */
static bool read_line(const char *path, char *text, int bytes) {
  FILE *file = fopen(path, "r");
  if (!file) return false;
  bool read = fgets(text, bytes, file) != NULL;
  fclose(file);
  if (read) text[strcspn(text, "\n")] = 0;
  return read;
}

const char *machine_governor(void) {
  static char name[32];
  bool known =
      read_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", name, sizeof name);
  return known ? name : "";
}

int64_t machine_throttled(void) {
  static const struct {
    const char *path;
    int base;
  } counters[] = {
      {"/sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", 10},
      {"/sys/devices/platform/soc/soc:firmware/get_throttled", 16},
  };
  char text[32];
  for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++) {
    if (read_line(counters[i].path, text, sizeof text)) {
      return strtoll(text, NULL, counters[i].base);
    }
  }
  return -1;
}

int64_t machine_peak_memory(void) {
  FILE *file = fopen("/proc/self/status", "r");
  if (!file) return 0;
  char line[256];
  const char name[] = "VmHWM:";
  int64_t kilobytes = 0;
  while (kilobytes == 0 && fgets(line, sizeof line, file)) {
    if (strncmp(line, name, sizeof name - 1) == 0)
      kilobytes = strtoll(line + sizeof name - 1, NULL, 10);
  }
  fclose(file);
  return kilobytes * 1024;
}
