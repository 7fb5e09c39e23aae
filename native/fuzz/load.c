/* libFuzzer: any bytes as a model. Opening reads and verifies the whole file and plans nothing.
 *
 *   make fuzz */
#include <stdint.h>

#include "edgert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
  char why[EDGERT_ERROR_BYTES];
  edgert_model *model = NULL;
  edgert_model_from_memory(data, bytes, NULL, &model, why, sizeof why);
  edgert_model_close(model);
  return 0;
}
