#include "compare.h"

#include "kernels/compare_rows.h"

#define ROW(name, type, op)                                                              \
  static void name##_##type(int32_t count, const void *a, int32_t a_step, const void *b, \
                            int32_t b_step, uint8_t *output) {                           \
    const type *x = a, *y = b;                                                           \
    for (int32_t i = 0; i < count; ++i)                                                  \
      output[i] = x[(int64_t)i * a_step] op y[(int64_t)i * b_step];                      \
  }

ER_COMPARE_ROWS(ROW, float)
ER_COMPARE_ROWS(ROW, int8_t)
ER_COMPARE_ROWS(ROW, uint8_t)
ER_COMPARE_ROWS(ROW, int16_t)
ER_COMPARE_ROWS(ROW, int32_t)
ER_COMPARE_ROWS(ROW, int64_t)
ROW(logical_and, uint8_t, &&)
ROW(logical_or, uint8_t, ||)

er_compare_row er_compare_for(er_comparison op, edgert_type type) {
  static const er_compare_row floats[] = ER_COMPARE_TABLE(float),
                              bytes[] = ER_COMPARE_TABLE(uint8_t),
                              int8s[] = ER_COMPARE_TABLE(int8_t),
                              int16s[] = ER_COMPARE_TABLE(int16_t),
                              int32s[] = ER_COMPARE_TABLE(int32_t),
                              int64s[] = ER_COMPARE_TABLE(int64_t);
  if (op == ER_LOGICAL_AND) return type == EDGERT_BOOL ? logical_and_uint8_t : NULL;
  if (op == ER_LOGICAL_OR) return type == EDGERT_BOOL ? logical_or_uint8_t : NULL;
  switch (type) {
    case EDGERT_FLOAT32:
      return floats[op];
    case EDGERT_BOOL:
      return op <= ER_NOT_EQUAL ? bytes[op] : NULL;
    case EDGERT_UINT8:
      return bytes[op];
    case EDGERT_INT8:
      return int8s[op];
    case EDGERT_INT16:
      return int16s[op];
    case EDGERT_INT32:
      return int32s[op];
    case EDGERT_INT64:
      return int64s[op];
    default:
      return NULL;
  }
}
