/* Arrays in files: NumPy's .npy format, version 1 and 2, little-endian, C order; any other file
 * name stands for the raw bytes. */
#ifndef RUN_NPY_H
#define RUN_NPY_H

#include "edgert.h"

/** Read a file into `data` [info->bytes]; its type and size must be the tensor's.
 * @return NULL, or a sentence */
const char *npy_read(const char *path, const edgert_tensor_info *info, void *data);
/** Write a tensor, first under a temporary name. @return NULL, or a sentence */
const char *npy_write(const char *path, const edgert_tensor_info *info, const void *data);

#endif
