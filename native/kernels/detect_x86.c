/* What this x86-64 processor and its operating system can run. Baseline code. */
#if defined(__x86_64__)
#define _DEFAULT_SOURCE /* syscall */
#include <cpuid.h>
#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "kernels/layers.h"

/* Leaf 1 and leaf 7, and the register state that the operating system saves (XCR0). */
typedef struct features {
  uint32_t leaf1_c, leaf7_b, leaf7_c, leaf7_d, leaf7_1_a;
  uint64_t saved;
} features;

static uint64_t saved_state(void) {
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t)high << 32 | low;
}

static features detect(void) {
  features f = {0};
  uint32_t a, b, c, d, subleaves;
  if (!__get_cpuid(1, &a, &b, &f.leaf1_c, &d)) return f;
  if (f.leaf1_c & bit_OSXSAVE) f.saved = saved_state();
  if (!__get_cpuid_count(7, 0, &subleaves, &f.leaf7_b, &f.leaf7_c, &f.leaf7_d)) return f;
  if (subleaves >= 1) __get_cpuid_count(7, 1, &f.leaf7_1_a, &b, &c, &d);
  return f;
}

enum {
  YMM_STATE = 0x06, /* XCR0: xmm, ymm */
  ZMM_STATE = 0xE6, /* and opmask, zmm */
  TILE_DATA = 18,   /* number of a bit of XCR0 */
  TILE_STATE = 1 << 17 | 1 << TILE_DATA,
  LEAF7_1_A_AVXVNNI = 1 << 4,
  LEAF7_C_AVX512VBMI = 1 << 1,
  LEAF7_C_AVX512VNNI = 1 << 11,
  LEAF7_D_AMX = 1 << 24 | 1 << 25 /* TILE, INT8 */
};

static bool has(uint32_t word, uint32_t bits) { return (word & bits) == bits; }

static bool runs_avx2(const features *f) {
  return (f->saved & YMM_STATE) == YMM_STATE && has(f->leaf1_c, bit_AVX | bit_FMA | bit_OSXSAVE) &&
         has(f->leaf7_b, bit_AVX2);
}

bool er_has_avx2(void) {
  const features f = detect();
  return runs_avx2(&f);
}

bool er_has_avxvnni(void) {
  const features f = detect();
  return runs_avx2(&f) && has(f.leaf7_1_a, LEAF7_1_A_AVXVNNI);
}

static bool runs_avx512vnni(const features *f) {
  return runs_avx2(f) && (f->saved & ZMM_STATE) == ZMM_STATE &&
         has(f->leaf7_b, bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL) &&
         has(f->leaf7_c, LEAF7_C_AVX512VNNI);
}

bool er_has_avx512vnni(void) {
  const features f = detect();
  return runs_avx512vnni(&f);
}

bool er_has_avx512vbmi(void) {
  const features f = detect();
  return runs_avx512vnni(&f) && has(f.leaf7_c, LEAF7_C_AVX512VBMI);
}

/* Linux gives a process the room to save tiles when it asks; it may refuse. To ask again is free.
 */
static bool may_use_tiles(void) {
#ifdef __linux__
  enum { ARCH_REQ_XCOMP_PERM = 0x1023 };
  return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, TILE_DATA) == 0;
#else
  return false;
#endif
}

bool er_has_amx(void) {
  const features f = detect();
  return runs_avx512vnni(&f) && (f.saved & TILE_STATE) == TILE_STATE &&
         has(f.leaf7_d, LEAF7_D_AMX) && may_use_tiles();
}
#endif
