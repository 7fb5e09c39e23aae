/* Markers for an emulator that counts instructions. */
#ifndef RUN_MARK_H
#define RUN_MARK_H

#include <stdint.h>

/** Tell a counting emulator that iteration `label` begins: system call 77777, which Linux does not
 * have and answers with ENOSYS. See targets/edgesdk_targets/estimate/blocks.c. */
void mark(int32_t label);

#endif
