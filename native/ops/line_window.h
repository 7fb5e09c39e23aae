/* The input lines that a depthwise convolution reads, padded, while it goes down an image. Padded
 * copies are kept in a ring, so that each line is made once. */
#ifndef ER_OPS_LINE_WINDOW_H
#define ER_OPS_LINE_WINDOW_H

#include "dwconv_lines.h"

/* Where lines come from. */
typedef struct er_line_source {
  const char *input; /* all lines of all images */
  size_t bytes;      /* from one to the next */
  /** Make the padded line `to` from one of the input: what lies left and right of the image is
   * there already. NULL: input lines serve as they are. */
  void (*make)(const void *arg, const char *from, char *to);
  const void *arg;
} er_line_source;

typedef struct er_line_window {
  const er_dwconv_lines *conv;
  er_line_source source;
  const void **lines; /* [filter_h + at_once - 1] for the kernel */
  int64_t *tags;      /* [places] which line of which image each place holds; -1: none */
  char *padding;      /* a line outside of the image */
  char *ring;         /* [places][line_bytes]; line y is at y mod places */
  void *kernel;       /* the kernel's own scratch */
} er_line_window;

/** @return the lines of the operator's own input, padded as it says. */
er_line_source er_dwconv_lines_source(const er_dwconv_lines *conv, const void *input);
/** @param makes whether lines are made: the window then has a ring
 * @return bytes of a window, a multiple of 64 */
size_t er_line_window_bytes(const er_dwconv_lines *conv, bool makes);
/** @param scratch [er_line_window_bytes], 64-byte aligned */
er_line_window er_line_window_open(const er_dwconv_lines *conv, er_line_source source,
                                   char *scratch);
/** Compute output lines [first, last) of batch * out_h; those of one image in rising order.
 * @param output [last - first, out_w, out_c] */
void er_line_window_compute(const er_line_window *window, int32_t first, int32_t last,
                            void *output);

#endif
