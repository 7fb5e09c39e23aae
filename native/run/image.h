/* Pictures in files: PPM, PGM and BMP; JPEG and PNG where the program was built with the headers of
 * libjpeg and libpng and finds the libraries when it runs. */
#ifndef RUN_IMAGE_H
#define RUN_IMAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { MOST_IMAGE_SIDE = 16384 };

typedef struct image {
  int32_t width, height;
  uint8_t *pixels; /* [height, width, 3] red, green, blue; from malloc */
} image;

/** @return whether the file starts as an image does */
bool image_is(const char *path);
/** Read an image of any known format. @return NULL, or a sentence */
const char *image_read(const char *path, image *picture);
/** Take pixels for width and height. @return NULL, or a sentence */
const char *image_allocate(int64_t width, int64_t height, image *picture);
void image_free(image *picture);

/* One reader a format: the file stands at its first byte; pixels are freed by the caller. */
const char *image_read_ppm(FILE *file, image *picture);
const char *image_read_bmp(FILE *file, image *picture);
const char *image_read_jpeg(FILE *file, image *picture);
const char *image_read_png(FILE *file, image *picture);

#endif
