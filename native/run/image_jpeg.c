/* JPEG through libjpeg, which is looked for when the first JPEG is read, so that the program starts
 * and runs without it. The header's version and struct size are checked by the library itself. */
#include "run/image.h"

#ifdef EDGERT_WITH_JPEG

#include <dlfcn.h>
#include <jpeglib.h>
#include <setjmp.h>

#if JPEG_LIB_VERSION >= 80
#define LIBRARY "libjpeg.so.8"
#else
#define LIBRARY "libjpeg.so.62"
#endif

typedef struct libjpeg {
  __typeof__(&jpeg_std_error) std_error;
  __typeof__(&jpeg_CreateDecompress) create;
  __typeof__(&jpeg_stdio_src) source;
  __typeof__(&jpeg_read_header) read_header;
  __typeof__(&jpeg_start_decompress) start;
  __typeof__(&jpeg_read_scanlines) read_lines;
  __typeof__(&jpeg_destroy_decompress) destroy;
} libjpeg;

/* libjpeg calls back with its own struct, which must stand first in ours. */
typedef struct failure {
  struct jpeg_error_mgr manager;
  jmp_buf back;
} failure;

/* ISO C has no cast from an object pointer to a function; POSIX promises that the copy works. */
#define FIND(library, table, member, name) \
  (*(void **)&(table)->member = dlsym(library, name), (table)->member != NULL)

static bool find_library(libjpeg *jpeg) {
  void *library = dlopen(LIBRARY, RTLD_NOW);
  return library && FIND(library, jpeg, std_error, "jpeg_std_error") &&
         FIND(library, jpeg, create, "jpeg_CreateDecompress") &&
         FIND(library, jpeg, source, "jpeg_stdio_src") &&
         FIND(library, jpeg, read_header, "jpeg_read_header") &&
         FIND(library, jpeg, start, "jpeg_start_decompress") &&
         FIND(library, jpeg, read_lines, "jpeg_read_scanlines") &&
         FIND(library, jpeg, destroy, "jpeg_destroy_decompress");
}

static void fail(j_common_ptr codec) { longjmp(((failure *)(void *)codec->err)->back, 1); }
static void say_nothing(j_common_ptr codec) { (void)codec; }

static const char *read_lines(const libjpeg *jpeg, struct jpeg_decompress_struct *codec, FILE *file,
                              image *picture) {
  jpeg->source(codec, file);
  jpeg->read_header(codec, TRUE);
  codec->out_color_space = JCS_RGB;
  const char *why = image_allocate(codec->image_width, codec->image_height, picture);
  if (why) return why;
  jpeg->start(codec);
  while (codec->output_scanline < codec->output_height) {
    JSAMPROW row = picture->pixels + 3 * (size_t)codec->output_scanline * codec->output_width;
    jpeg->read_lines(codec, &row, 1);
  }
  return NULL;
}

const char *image_read_jpeg(FILE *file, image *picture) {
  libjpeg jpeg;
  if (!find_library(&jpeg)) return "is a JPEG, but " LIBRARY " is not on this machine: install it";
  struct jpeg_decompress_struct codec = {0};
  failure failed;
  codec.err = jpeg.std_error(&failed.manager);
  failed.manager.error_exit = fail;
  failed.manager.output_message = say_nothing;
  const char *volatile why = "is a damaged JPEG, or one of another colour space";
  if (setjmp(failed.back) == 0) {
    jpeg.create(&codec, JPEG_LIB_VERSION, sizeof codec);
    why = read_lines(&jpeg, &codec, file, picture);
  } else {
    why = "is a damaged JPEG, or one of another colour space";
  }
  jpeg.destroy(&codec);
  return why;
}

#else

const char *image_read_jpeg(FILE *file, image *picture) {
  (void)file;
  (void)picture;
  return "is a JPEG, but this edge-run was built without libjpeg: give PPM or BMP";
}

#endif
