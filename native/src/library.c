/* What the library says about itself. */
#include "kernels/kernels.h"
#include "op.h"

int32_t edgert_abi_version(void) { return EDGERT_ABI_VERSION; }

const char *edgert_version(void) { return EDGERT_VERSION; }

const char *edgert_kernels(int32_t index) { return index < 0 ? NULL : er_kernels_isa(index); }

const char *edgert_isa(void) {
  int32_t last = 0;
  while (er_kernels_isa(last + 1)) last++;
  return er_kernels_isa(last);
}

int32_t edgert_supports(int32_t builtin_code) { return er_find_op(builtin_code) != NULL; }

const char *edgert_status_name(edgert_status status) {
  static const char *const names[] = {
      "EDGERT_OK",          "EDGERT_INVALID_ARGUMENT", "EDGERT_IO",    "EDGERT_MALFORMED",
      "EDGERT_UNSUPPORTED", "EDGERT_OUT_OF_MEMORY",    "EDGERT_QUOTA", "EDGERT_RUN_TIME"};
  unsigned index = (unsigned)status;
  return index < sizeof names / sizeof names[0] ? names[index] : "an unknown status";
}
