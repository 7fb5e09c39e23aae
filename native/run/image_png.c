/* PNG through libpng's simplified interface; the library is looked for when the first PNG is read.
 */
#include "run/image.h"

#ifdef EDGERT_WITH_PNG

#include <dlfcn.h>
#include <png.h>
#include <stdlib.h>

#define LIBRARY "libpng16.so.16"

typedef struct libpng {
  __typeof__(&png_image_begin_read_from_stdio) begin;
  __typeof__(&png_image_finish_read) finish;
  __typeof__(&png_image_free) release;
} libpng;

/* ISO C has no cast from an object pointer to a function; POSIX promises that the copy works. */
#define FIND(library, table, member, name) \
  (*(void **)&(table)->member = dlsym(library, name), (table)->member != NULL)

static bool find_library(libpng *png) {
  void *library = dlopen(LIBRARY, RTLD_NOW);
  return library && FIND(library, png, begin, "png_image_begin_read_from_stdio") &&
         FIND(library, png, finish, "png_image_finish_read") &&
         FIND(library, png, release, "png_image_free");
}

/* Transparency is dropped, not blended: what lies under it counts, as in most training pipelines.
 * rgba: [count, 4] to rgb: [count, 3] */
static void drop_alpha(const uint8_t *rgba, size_t count, uint8_t *rgb) {
  for (size_t i = 0; i < count; i++) {
    for (size_t c = 0; c < 3; c++) rgb[3 * i + c] = rgba[4 * i + c];
  }
}

static const char *read_pixels(const libpng *png, png_image *source, image *picture) {
  const char *why = image_allocate(source->width, source->height, picture);
  if (why) return why;
  source->format = PNG_FORMAT_RGBA;
  uint8_t *rgba = malloc(PNG_IMAGE_SIZE(*source));
  if (!rgba) return "is larger than the memory";
  bool read = png->finish(source, NULL, rgba, 0, NULL);
  if (read) drop_alpha(rgba, (size_t)source->width * source->height, picture->pixels);
  free(rgba);
  return read ? NULL : "is a damaged PNG";
}

const char *image_read_png(FILE *file, image *picture) {
  libpng png;
  if (!find_library(&png)) return "is a PNG, but " LIBRARY " is not on this machine: install it";
  png_image source = {.version = PNG_IMAGE_VERSION};
  const char *why =
      png.begin(&source, file) ? read_pixels(&png, &source, picture) : "is a damaged PNG";
  png.release(&source);
  return why;
}

#else

const char *image_read_png(FILE *file, image *picture) {
  (void)file;
  (void)picture;
  return "is a PNG, but this edge-run was built without libpng: give PPM or BMP";
}

#endif
