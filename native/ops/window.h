/* The geometry of convolutions and pools. */
#ifndef ER_OPS_WINDOW_H
#define ER_OPS_WINDOW_H

#include "kernels/shapes.h"
#include "op.h"

enum { ER_PADDING_SAME = 0, ER_PADDING_VALID = 1 };

/** Require a tensor of a rank. @param what its role in a sentence, e.g. "input" */
edgert_status er_want_rank(er_plan *plan, const er_node *node, const er_tensor *tensor,
                           int32_t rank, const char *what);

/** Fill the output size and the padding from everything else, checking all of it, and declare the
 * output's shape [batch, out_h, out_w, out_c].
 * @param shape with input, filter, strides, dilations and out_c already set
 * @param padding ER_PADDING_SAME or ER_PADDING_VALID */
edgert_status er_place_window(er_plan *plan, const er_node *node, int8_t padding,
                              er_conv_shape *shape);

/** Copy the input's dimensions to shape->batch, in_h, in_w, in_c. */
void er_read_image(const er_tensor *input, er_conv_shape *shape);

/** Turn an image of one column, under filters of one column, into a line: the same pixels, which
 * kernels compute at once. Long ones stay, for threads share lines. */
void er_turn_column(er_conv_shape *shape);

/** Read the border of a PAD by the window itself: the image is what lies inside of it. */
void er_pad_inside(er_conv_shape *shape, const er_pad_shape *pad);

#endif
