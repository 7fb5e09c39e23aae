/* Decimal numbers. strtod, which reads hexadecimal ones too and rounds each digit in, would be 7 kB
 * of a static program. */
#include "run/real.h"

#include <stdint.h>
#include <stdlib.h>

enum { MOST_POWER = 400 }; /* beyond it lie 0 and infinity */

/* Add digits to a number. @param unit ten times as much for each of them */
static const char *read_digits(const char *at, double *value, double *unit) {
  for (; *at >= '0' && *at <= '9'; at++) {
    *value = 10 * *value + (*at - '0');
    *unit *= 10;
  }
  return at;
}

/* The power of ten behind an e. @return `at` when there is none */
static const char *read_power(const char *at, double *value, double *unit) {
  if (*at != 'e' && *at != 'E') return at;
  char *end;
  const long power = strtol(at + 1, &end, 10);
  if (end == at + 1) return at;
  for (long i = 0; i < MOST_POWER && (i < power || i < -power); i++) {
    *(power < 0 ? unit : value) *= 10;
  }
  return end;
}

double read_real(const char *text, char **end) {
  const char *first = text + (*text == '-' || *text == '+');
  double value = 0, ones = 1, unit = 1;
  const char *at = read_digits(first, &value, &ones);
  if (*at == '.') at = read_digits(at + 1, &value, &unit);
  const double read = ones * unit; /* 1: not one digit */
  *end = (char *)(uintptr_t)(read > 1 ? read_power(at, &value, &unit) : text);
  return (*text == '-' ? -value : value) / unit;
}
