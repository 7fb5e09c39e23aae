/* syscall() is no POSIX function: this file alone asks for it. */
#define _DEFAULT_SOURCE
#include "run/mark.h"

#if defined(__linux__)
#include <unistd.h>

enum { MARKER = 77777 };

void mark(int32_t label) { (void)syscall(MARKER, (long)label); }
#else
void mark(int32_t label) { (void)label; }
#endif
