/* Preloaded, makes every library of a process believe that it runs on an AVX2 machine: CPUID is made
 * to fault (Linux, processors with CPUID faulting), and the handler answers without AVX-512, VNNI and
 * AMX. Build: cc -shared -fPIC -O2 -o avx2_view.so avx2_view.c */
#define _GNU_SOURCE
#include <cpuid.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define ARCH_CPUID 0x1012

/* What is hidden: bits of one register of one leaf. */
static const struct hidden {
  uint32_t leaf, subleaf;
  int reg; /* of eax, ebx, ecx, edx */
  uint32_t bits;
} hidden[] = {
    {7, 0, 1, 0xDC230000u},                           /* AVX512 F DQ IFMA PF ER CD BW VL */
    {7, 0, 2, 1u << 1 | 1u << 6 | 1u << 11 | 1u << 12 | 1u << 14}, /* VBMI VBMI2 VNNI BITALG VPOPCNTDQ */
    {7, 0, 3, 0x03C0010Cu},                           /* VP2INTERSECT, AMX, AVX512 FP16 */
    {7, 1, 0, 1u << 4 | 1u << 5 | 1u << 21 | 1u << 23}, /* AVX-VNNI, BF16, AMX-FP16, AVX-IFMA */
    {7, 1, 3, 1u << 4 | 1u << 5 | 1u << 8 | 1u << 10 | 1u << 19}, /* VNNI-INT8 and -INT16, AVX10 */
    {0xD, 0, 0, 0x000600E0u},                         /* the state of AVX-512 and AMX */
};

static void set_faulting(int on) { syscall(SYS_arch_prctl, ARCH_CPUID, on ? 0L : 1L); }

static void answer(gregset_t regs) {
  const uint32_t leaf = (uint32_t)regs[REG_RAX], subleaf = (uint32_t)regs[REG_RCX];
  uint32_t out[4];
  set_faulting(0);
  __cpuid_count(leaf, subleaf, out[0], out[1], out[2], out[3]);
  set_faulting(1);
  for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++) {
    if (hidden[i].leaf == leaf && hidden[i].subleaf == subleaf) out[hidden[i].reg] &= ~hidden[i].bits;
  }
  regs[REG_RAX] = out[0], regs[REG_RBX] = out[1];
  regs[REG_RCX] = out[2], regs[REG_RDX] = out[3];
  regs[REG_RIP] += 2;
}

static void on_fault(int number, siginfo_t *info, void *context) {
  static const unsigned char cpuid[2] = {0x0F, 0xA2};
  gregset_t *regs = &((ucontext_t *)context)->uc_mcontext.gregs;
  (void)info;
  if (memcmp((const void *)(*regs)[REG_RIP], cpuid, sizeof cpuid) == 0) {
    answer(*regs);
  } else {
    signal(number, SIG_DFL); /* a real one: happens again */
  }
}

__attribute__((constructor)) static void begin(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  sigaction(SIGSEGV, &action, 0);
  set_faulting(1);
}
