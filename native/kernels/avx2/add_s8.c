#include <immintrin.h>

typedef __m256i vector;
#define OP(name) _mm256_##name
#define WHOLE(name) _mm256_##name##_si256
#include "add_rows.h"

void er_add_row_s8_avx2(const er_add_s8 *add, bool is_unsigned, int32_t count, const void *a,
                        int32_t a_step, const void *b, int32_t b_step, uint8_t *output) {
  const int32_t done = add_rows(add, is_unsigned, count, a, a_step, b, b_step, output);
  er_add_row_s8(add, is_unsigned, count - done, (const uint8_t *)a + done * a_step, a_step,
                (const uint8_t *)b + done * b_step, b_step, output + done);
}
