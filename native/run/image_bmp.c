/* Windows bitmaps without compression: 8 bits with a palette, 24 and 32 bits; rows run upwards, or
 * downwards where the height is negative. */
#include <string.h>

#include "run/image.h"

enum { FILE_HEADER = 14, INFO_HEADER = 40, PALETTE = 256, BIT_FIELDS = 3 };

typedef struct bitmap {
  uint32_t offset; /* of the pixels, from the start of the file */
  int32_t width, height;
  uint32_t bits, compression, colours;
  uint8_t palette[4 * PALETTE]; /* blue, green, red, unused */
} bitmap;

static uint32_t word(const uint8_t *at) {
  return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static const char *read_header(FILE *file, bitmap *map) {
  uint8_t bytes[FILE_HEADER + INFO_HEADER];
  if (fread(bytes, 1, sizeof bytes, file) != sizeof bytes) return "is cut short";
  const uint8_t *info = bytes + FILE_HEADER;
  if (word(info) < INFO_HEADER) return "has a header of 16-bit Windows, which is not known";
  *map = (bitmap){.offset = word(bytes + 10),
                  .width = (int32_t)word(info + 4),
                  .height = (int32_t)word(info + 8),
                  .bits = info[14] | (uint32_t)info[15] << 8,
                  .compression = word(info + 16),
                  .colours = word(info + 32)};
  bool plain = map->compression == 0 || (map->compression == BIT_FIELDS && map->bits == 32);
  if (!plain || (map->bits != 8 && map->bits != 24 && map->bits != 32)) {
    return "is compressed or has other than 8, 24 or 32 bits a pixel";
  }
  if (map->bits != 8) return NULL;
  if (map->colours == 0 || map->colours > PALETTE) map->colours = PALETTE;
  bool there = fseek(file, FILE_HEADER + (long)(word(info) & 0xFFFF), SEEK_SET) == 0 &&
               fread(map->palette, 4, map->colours, file) == map->colours;
  return there ? NULL : "is cut short";
}

/* from: one row of the file; to: [width, 3] */
static void convert_row(const bitmap *map, const uint8_t *from, uint8_t *to) {
  size_t bytes = map->bits / 8;
  for (int32_t x = 0; x < map->width; x++) {
    const uint8_t *bgr = map->bits == 8 ? map->palette + 4 * from[x] : from + bytes * (size_t)x;
    to[3 * x] = bgr[2];
    to[3 * x + 1] = bgr[1];
    to[3 * x + 2] = bgr[0];
  }
}

/* row: [bytes of a row in the file], which are a multiple of 4 */
static const char *read_rows(FILE *file, const bitmap *map, image *picture) {
  static uint8_t row[4 * MOST_IMAGE_SIDE];
  size_t bytes = (map->bits / 8 * (size_t)map->width + 3) / 4 * 4;
  if (fseek(file, (long)map->offset, SEEK_SET) != 0) return "is cut short";
  for (int32_t i = 0; i < picture->height; i++) {
    if (fread(row, 1, bytes, file) != bytes) return "is cut short";
    size_t y = (size_t)(map->height > 0 ? picture->height - 1 - i : i);
    convert_row(map, row, picture->pixels + 3 * y * (size_t)map->width);
  }
  return NULL;
}

const char *image_read_bmp(FILE *file, image *picture) {
  bitmap map;
  const char *why = read_header(file, &map);
  int64_t height = why ? 0 : map.height;
  if (!why) why = image_allocate(map.width, height < 0 ? -height : height, picture);
  return why ? why : read_rows(file, &map, picture);
}
