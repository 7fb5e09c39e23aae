/* Lines of an image with what lies beside them. Moves are of constant size: what they write too
 * much, the next ones overwrite. */
#include "kernels/kernels.h"
#include "kernels/move.h"

enum { SIXTEEN = 16, BLOCK = ER_MOVE_BLOCK };

/* @param pattern [SIXTEEN] */
static inline void fill(const char *pattern, int64_t bytes, char *to) {
  for (int64_t at = 0; at < bytes; at += SIXTEEN) er_move(to + at, pattern, SIXTEEN);
}

void er_pad_lines(const er_padded_line *line, int8_t outside, int32_t count, const void *input,
                  void *lines) {
  const int64_t inside = line->inside, beside = line->right + line->left;
  char pattern[SIXTEEN], *to = lines;
  const char *from = input;
  if (count == 0) return;
  memset(pattern, outside, sizeof pattern);
  fill(pattern, line->left, to);
  to += line->left;
  for (; count > 0; count--, from += line->pitch, to += inside + beside) {
    for (int64_t at = 0; at < inside; at += BLOCK) er_move(to + at, from + at, BLOCK);
    fill(pattern, count > 1 ? beside : line->right, to + inside);
  }
}
