#include "compare.h"

#define ROW(name, type, op)                                                              \
  static void name##_##type(int32_t count, const void *a, int32_t a_step, const void *b, \
                            int32_t b_step, uint8_t *output) {                           \
    const type *x = a, *y = b;                                                           \
    for (int32_t i = 0; i < count; ++i)                                                  \
      output[i] = x[(int64_t)i * a_step] op y[(int64_t)i * b_step];                      \
  }
#define ROWS(type)          \
  ROW(equal, type, ==)      \
  ROW(not_equal, type, !=)  \
  ROW(less, type, <)        \
  ROW(less_equal, type, <=) \
  ROW(greater, type, >)     \
  ROW(greater_equal, type, >=)

ROWS(float)
ROWS(int8_t)
ROWS(uint8_t)
ROWS(int16_t)
ROWS(int32_t)
ROWS(int64_t)
ROW(logical_and, uint8_t, &&)
ROW(logical_or, uint8_t, ||)

#define TABLE(type)                                  \
  {equal_##type,      not_equal_##type, less_##type, \
   less_equal_##type, greater_##type,   greater_equal_##type}

er_compare_row er_compare_for(er_comparison op, edgert_type type) {
  static const er_compare_row floats[] = TABLE(float), bytes[] = TABLE(uint8_t),
                              int8s[] = TABLE(int8_t), int16s[] = TABLE(int16_t),
                              int32s[] = TABLE(int32_t), int64s[] = TABLE(int64_t);
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
