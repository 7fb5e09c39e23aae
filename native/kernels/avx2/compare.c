/* Comparisons by loops that the compiler turns into vectors. */
#include "kernels/compare.h"

#include "avx2.h"
#include "kernels/compare_rows.h"

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

ER_COMPARE_ROWS(ROW, float)
ER_COMPARE_ROWS(ROW, int8_t)
ER_COMPARE_ROWS(ROW, int32_t)

er_compare_row er_compare_for_avx2(er_comparison op, edgert_type type) {
  static const er_compare_row floats[] = ER_COMPARE_TABLE(float),
                              int8s[] = ER_COMPARE_TABLE(int8_t),
                              int32s[] = ER_COMPARE_TABLE(int32_t);
  if (op > ER_GREATER_EQUAL) return er_compare_for(op, type);
  return type == EDGERT_FLOAT32 ? floats[op]
         : type == EDGERT_INT8  ? int8s[op]
         : type == EDGERT_INT32 ? int32s[op]
                                : er_compare_for(op, type);
}
