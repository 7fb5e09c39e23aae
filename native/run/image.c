#include "run/image.h"

#include <stdlib.h>
#include <string.h>

/* Which reader a file needs shows in its first bytes. */
static const struct {
  const char *magic;
  size_t bytes;
  const char *(*read)(FILE *file, image *picture);
} formats[] = {
    {"P6", 2, image_read_ppm},      {"P5", 2, image_read_ppm},
    {"BM", 2, image_read_bmp},      {"\xFF\xD8\xFF", 3, image_read_jpeg},
    {"\x89PNG", 4, image_read_png},
};
enum { FORMATS = sizeof formats / sizeof formats[0] };

/* @return the format's number, or FORMATS */
static int format_of(FILE *file) {
  char start[4] = {0};
  size_t count = fread(start, 1, sizeof start, file);
  rewind(file);
  int i = 0;
  while (i < FORMATS &&
         (count < sizeof start || memcmp(start, formats[i].magic, formats[i].bytes) != 0)) {
    i++;
  }
  return i;
}

bool image_is(const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file) return false;
  int format = format_of(file);
  fclose(file);
  return format < FORMATS;
}

const char *image_allocate(int64_t width, int64_t height, image *picture) {
  if (width < 1 || height < 1 || width > MOST_IMAGE_SIDE || height > MOST_IMAGE_SIDE) {
    return "has a side of no pixel or of over 16384";
  }
  *picture = (image){(int32_t)width, (int32_t)height, malloc(3 * (size_t)(width * height))};
  return picture->pixels ? NULL : "is larger than the memory";
}

void image_free(image *picture) {
  free(picture->pixels);
  picture->pixels = NULL;
}

const char *image_read(const char *path, image *picture) {
  *picture = (image){0, 0, NULL};
  FILE *file = fopen(path, "rb");
  if (!file) return "cannot be opened";
  int format = format_of(file);
  const char *why = format < FORMATS ? formats[format].read(file, picture)
                                     : "is no image: PPM, PGM, BMP, JPEG and PNG are known";
  fclose(file);
  if (why) image_free(picture);
  return why;
}
