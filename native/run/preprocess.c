#include "run/preprocess.h"

#include <math.h>
#include <string.h>

/* ---- which part of the picture --------------------------------------------------------------- */

/* As torchvision: the short side becomes `resize`, the long one is cut down to a whole number, and
 * the crop's corner is rounded half to even. */
static const char *resize_and_crop(const preprocessing *rule, const image *from, int32_t width,
                                   int32_t height, image *to) {
  bool wide = from->width > from->height;
  int32_t shorter = wide ? from->height : from->width, longer = wide ? from->width : from->height;
  int32_t resized = (int32_t)((int64_t)rule->resize * longer / shorter);
  int32_t all_width = wide ? resized : rule->resize, all_height = wide ? rule->resize : resized;
  if (all_width < width || all_height < height)
    return "is smaller than the model's input: raise --resize";
  image all;
  image_box whole = {0, 0, (float)from->width, (float)from->height};
  const char *why = resample(from, whole, all_width, all_height, rule->filter, &all);
  if (!why) why = image_allocate(width, height, to);
  if (!why) {
    size_t left = (size_t)rint((all_width - width) / 2.0);
    size_t top = (size_t)rint((all_height - height) / 2.0);
    for (size_t y = 0; y < (size_t)height; y++) {
      memcpy(to->pixels + 3 * y * (size_t)width,
             all.pixels + 3 * ((top + y) * (size_t)all_width + left), 3 * (size_t)width);
    }
  }
  image_free(&all);
  return why;
}

/* The largest centred rectangle of the input's shape. */
static image_box largest_box(const image *from, int32_t width, int32_t height) {
  double scale = fmin((double)from->width / width, (double)from->height / height);
  double left = (from->width - width * scale) / 2, top = (from->height - height * scale) / 2;
  return (image_box){(float)left, (float)top, (float)(from->width - left),
                     (float)(from->height - top)};
}

static const char *fit(const preprocessing *rule, const image *from, int32_t width, int32_t height,
                       image *to) {
  if (rule->resize) return resize_and_crop(rule, from, width, height, to);
  return resample(from, largest_box(from, width, height), width, height, rule->filter, to);
}

/* ---- values ---------------------------------------------------------------------------------- */

/* ITU-R BT.601 luma in 16-bit fixed point, as Pillow's conversion to "L". rgb: [count, 3] */
static void to_gray(uint8_t *rgb, size_t count) {
  for (size_t i = 0; i < count; i++) {
    uint32_t luma = rgb[3 * i] * 19595U + rgb[3 * i + 1] * 38470U + rgb[3 * i + 2] * 7471U;
    rgb[i] = (uint8_t)((luma + 0x8000) >> 16);
  }
}

static uint8_t store_8_bits(float value, const edgert_tensor_info *input) {
  float low = input->type == EDGERT_INT8 ? -128 : 0, high = input->type == EDGERT_INT8 ? 127 : 255;
  float q = rintf(value / input->scale) + (float)input->zero_point;
  return (uint8_t)(int32_t)(q < low ? low : q > high ? high : q);
}

/* pixels: [count / channels, channels]; data: [count] of the input's type */
static void store(const preprocessing *rule, const uint8_t *pixels, size_t count, size_t channels,
                  const edgert_tensor_info *input, void *data) {
  bool raw = !rule->given;
  for (size_t i = 0; i < count; i++) {
    size_t c = i % channels;
    float value = ((float)pixels[i] * rule->scale - rule->mean[c]) / rule->std[c];
    if (input->type == EDGERT_FLOAT32) {
      ((float *)data)[i] = value;
    } else if (raw || !input->quantized) {
      ((uint8_t *)data)[i] = (uint8_t)(pixels[i] ^ (input->type == EDGERT_INT8 ? 0x80 : 0));
    } else {
      ((uint8_t *)data)[i] = store_8_bits(value, input);
    }
  }
}

static bool takes_image(const edgert_tensor_info *input) {
  bool type =
      input->type == EDGERT_FLOAT32 || input->type == EDGERT_INT8 || input->type == EDGERT_UINT8;
  return type && input->rank == 4 && input->dims[0] == 1 &&
         (input->dims[3] == 1 || input->dims[3] == 3);
}

const char *preprocess(const preprocessing *rule, const image *picture,
                       const edgert_tensor_info *input, void *data) {
  if (!takes_image(input)) {
    return "is an image, but the input is not [1, height, width, 3 or 1] of FLOAT32, INT8 or UINT8";
  }
  image part;
  const char *why = fit(rule, picture, input->dims[2], input->dims[1], &part);
  if (why) return why;
  size_t pixels = (size_t)part.width * (size_t)part.height, channels = (size_t)input->dims[3];
  if (channels == 1) to_gray(part.pixels, pixels);
  store(rule, part.pixels, pixels * channels, channels, input, data);
  image_free(&part);
  return NULL;
}
