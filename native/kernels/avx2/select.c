/* Choices by loops that the compiler turns into vectors. */
#include "avx2.h"
#include "kernels/compare.h"

/* Both elements are read, so that the choice is no branch. */
#define CHOOSE(x, y)                      \
  for (int32_t i = 0; i < count; i++) {   \
    const element one = (x), other = (y); \
    out[i] = choice[i] ? one : other;     \
  }

#define SELECT(bytes, type)                                                                       \
  static void select_##bytes(int32_t count, const uint8_t *choice, const void *a, int64_t a_step, \
                             const void *b, int64_t b_step, void *output) {                       \
    typedef type element;                                                                         \
    const element *x = a, *y = b, same_x = *x, same_y = *y;                                       \
    element *restrict out = output;                                                               \
    if (a_step == 0) {                                                                            \
      CHOOSE(same_x, y[i])                                                                        \
    } else if (b_step == 0) {                                                                     \
      CHOOSE(x[i], same_y)                                                                        \
    } else {                                                                                      \
      CHOOSE(x[i], y[i])                                                                          \
    }                                                                                             \
  }
SELECT(1, uint8_t)
SELECT(4, uint32_t)

void er_select_avx2(int32_t count, int64_t element_bytes, const uint8_t *choice,
                    int64_t choice_step, const void *a, int64_t a_step, const void *b,
                    int64_t b_step, void *output) {
  const bool lines = a_step <= 1 && b_step <= 1 && (a_step == 1 || b_step == 1);
  if (count > 0 && choice_step == 1 && lines && element_bytes == 1) {
    select_1(count, choice, a, a_step, b, b_step, output);
  } else if (count > 0 && choice_step == 1 && lines && element_bytes == 4) {
    select_4(count, choice, a, a_step, b, b_step, output);
  } else {
    er_select(count, element_bytes, choice, choice_step, a, a_step, b, b_step, output);
  }
}
