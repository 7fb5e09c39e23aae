/* What can be asked of the machine: which CPUs to use, how fast they are, what slows them down. */
#ifndef RUN_MACHINE_H
#define RUN_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

/** Let this thread, and those that it starts, run on these CPUs only. @return false when refused */
bool machine_use_cpus(uint64_t mask);

/** @return cycles in a second of the core that we run on, measured in about 5 ms */
double machine_hertz(void);

/* Peaks of one core, in multiply-accumulates a cycle. */
typedef struct machine_peak {
  const char *core; /* what the row of the table is for */
  double int8, float32;
} machine_peak;

/** @param isa an instruction set as edgert_kernels() names it */
machine_peak machine_find_peak(const char *isa);

/** @return the frequency governor of CPU 0, e.g. "powersave"; "" where it cannot be read */
const char *machine_governor(void);
/** @return how often the machine has slowed down for heat or voltage since boot, or -1 if unknown;
 * on a Raspberry Pi the bits of get_throttled */
int64_t machine_throttled(void);
/** @return most bytes of memory that this process held at once, or 0 if unknown */
int64_t machine_peak_memory(void);
/** @return CPU time of this process so far, all threads, in nanoseconds */
int64_t machine_cpu_nanoseconds(void);

#endif
