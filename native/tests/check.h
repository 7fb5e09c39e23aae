/* The whole test framework: CHECK says which condition failed and where; a test program returns
 * check_result(). */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>

static int check_failures;

#define CHECK(condition)                                              \
  do {                                                                \
    if (!(condition)) {                                               \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      check_failures++;                                               \
    }                                                                 \
  } while (0)

static int check_result(void) { return check_failures != 0; }

#endif
