/* Netpbm, binary: P6 is RGB, P5 is gray (https://netpbm.sourceforge.net/doc/ppm.html). */
#include <ctype.h>

#include "run/image.h"

/* The next number of the header; comments run from # to the end of their line. @return -1 at none
 */
static int64_t next_number(FILE *file) {
  int c = fgetc(file);
  while (c == '#' || isspace(c)) {
    while (c == '#' && (c = fgetc(file)) != '\n' && c != EOF) c = '#';
    c = fgetc(file);
  }
  if (!isdigit(c)) return -1;
  int64_t number = 0;
  for (; isdigit(c) && number < 1000000; c = fgetc(file)) number = 10 * number + (c - '0');
  return isspace(c) ? number : -1; /* one white space ends the header */
}

/* Gray values, read to the front, become three equal ones each, from the last to the first. */
static void spread(uint8_t *pixels, size_t count) {
  for (size_t i = count; i-- > 0;) {
    pixels[3 * i] = pixels[3 * i + 1] = pixels[3 * i + 2] = pixels[i];
  }
}

const char *image_read_ppm(FILE *file, image *picture) {
  char magic[2];
  if (fread(magic, 1, 2, file) != 2) return "is cut short";
  int64_t width = next_number(file), height = next_number(file);
  if (next_number(file) != 255) return "has a damaged header, or values of more than 8 bits";
  const char *why = image_allocate(width, height, picture);
  if (why) return why;
  size_t count = (size_t)(width * height), channels = magic[1] == '6' ? 3 : 1;
  if (fread(picture->pixels, channels, count, file) != count) return "is cut short";
  if (channels == 1) spread(picture->pixels, count);
  return NULL;
}
