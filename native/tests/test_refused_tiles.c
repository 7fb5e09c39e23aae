/* AMX is left alone where the system refuses a process its tiles: Linux does so while a thread has
 * a signal stack too small for them. */
#define _DEFAULT_SOURCE /* sigaltstack */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "kernels/kernels.h"

static bool runs(const char *isa) {
  const char *name;
  for (int32_t i = 0; (name = er_kernels_isa(i)) != NULL; i++) {
    if (strcmp(name, isa) == 0) return true;
  }
  return false;
}

int main(void) {
  enum { SMALL = 4096 };
  static char memory[SMALL];
  stack_t own, small = {.ss_sp = memory, .ss_size = SMALL};
  if (sigaltstack(&small, &own) != 0) {
    puts("skipped: the system wants larger signal stacks");
    return 0;
  }
  er_kernels kernels;
  CHECK(!runs("amx"));
  CHECK(!er_kernels_for("amx", &kernels));
  CHECK(er_kernels_for(NULL, &kernels));
  CHECK(strcmp(kernels.isa, "amx") != 0);
  CHECK(sigaltstack(&own, NULL) == 0);
  puts(runs("amx") ? "refused, then granted" : "skipped: this machine has no AMX");
  return check_result();
}
