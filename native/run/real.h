#ifndef RUN_REAL_H
#define RUN_REAL_H

/** A decimal number, as strtod reads it, but for the last bit of one with more than 15 digits.
 * @param[out] end behind it; `text` when there is none */
double read_real(const char *text, char **end);

#endif
