/* From a picture to the values that a model's input wants. */
#ifndef RUN_PREPROCESS_H
#define RUN_PREPROCESS_H

#include "edgert.h"
#include "run/resample.h"

/* Input value = (pixel * scale - mean[channel]) / std[channel]; quantized inputs store it by their
 * own scale and zero point. Where nothing is given, float inputs get the pixels 0..255 and 8-bit
 * inputs store them as they are (int8: minus 128). */
typedef struct preprocessing {
  bool given;
  float mean[3], std[3], scale; /* red, green, blue */
  int32_t resize; /* short side before the centre crop, 0: the largest centred part is used */
  resample_filter filter;
} preprocessing;

/** Resize, crop and store.
 * @param input [1, H, W, 3], or [1, H, W, 1] for gray; float32, int8 or uint8
 * @param[out] data info->bytes @return NULL, or a sentence */
const char *preprocess(const preprocessing *rule, const image *picture,
                       const edgert_tensor_info *input, void *data);

#endif
