/* Resizing with a filter as wide as the reduction (antialiased), in the fixed point of Pillow's
 * Image.resize, rows first: the same pixels, bit for bit, as the pipelines that models are trained
 * with. (Pillow 13 goes through the columns first where that is cheaper; it then differs by 1.) */
#ifndef RUN_RESAMPLE_H
#define RUN_RESAMPLE_H

#include "run/image.h"

typedef enum resample_filter { RESAMPLE_BILINEAR, RESAMPLE_BICUBIC } resample_filter;

/* A rectangle of an image; its edges may lie between pixels. */
typedef struct image_box {
  float left, top, right, bottom;
} image_box;

/** Resize the part `box` of `from` to width x height.
 * @param[out] to from malloc @return NULL, or a sentence */
const char *resample(const image *from, image_box box, int32_t width, int32_t height,
                     resample_filter filter, image *to);

#endif
