/* Comparisons by loops that the compiler turns into vectors. */
#include "kernels/compare.h"

#include "avx2.h"

/* Either argument may be one value all along. */
#define ROW(name, type, op)                                                              \
  static void name##_##type(int32_t count, const void *a, int32_t a_step, const void *b, \
                            int32_t b_step, uint8_t *restrict output) {                  \
    const type *x = a, *y = b;                                                           \
    if (count == 0) return;                                                              \
    const type same_x = *x, same_y = *y;                                                 \
    if (a_step == 0) {                                                                   \
      for (int32_t i = 0; i < count; i++) output[i] = same_x op y[i * b_step];           \
    } else if (b_step == 0) {                                                            \
      for (int32_t i = 0; i < count; i++) output[i] = x[i] op same_y;                    \
    } else {                                                                             \
      for (int32_t i = 0; i < count; i++) output[i] = x[i] op y[i];                      \
    }                                                                                    \
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
ROWS(int32_t)

#define TABLE(type)                                  \
  {equal_##type,      not_equal_##type, less_##type, \
   less_equal_##type, greater_##type,   greater_equal_##type}

er_compare_row er_compare_for_avx2(er_comparison op, edgert_type type) {
  static const er_compare_row floats[] = TABLE(float), int8s[] = TABLE(int8_t),
                              int32s[] = TABLE(int32_t);
  if (op > ER_GREATER_EQUAL) return er_compare_for(op, type);
  return type == EDGERT_FLOAT32 ? floats[op]
         : type == EDGERT_INT8  ? int8s[op]
         : type == EDGERT_INT32 ? int32s[op]
                                : er_compare_for(op, type);
}
