/* A table of 256 bytes in four registers: vpermi2b looks up in two of them by 7 bits, bit 7
 * chooses.
 */
#include <immintrin.h>

#include "avx512vbmi.h"
#include "kernels/kernels.h"

static __m512i look_up(const __m512i table[4], __m512i at) {
  const __m512i low = _mm512_permutex2var_epi8(table[0], at, table[1]);
  const __m512i high = _mm512_permutex2var_epi8(table[2], at, table[3]);
  return _mm512_mask_mov_epi8(low, _mm512_movepi8_mask(at), high);
}

void er_lookup_avx512vbmi(const uint8_t *table, int64_t count, const uint8_t *input,
                          uint8_t *output) {
  const __m512i parts[4] = {_mm512_loadu_si512(table), _mm512_loadu_si512(table + 64),
                            _mm512_loadu_si512(table + 128), _mm512_loadu_si512(table + 192)};
  for (int64_t i = 0; i < count; i += 64) {
    const __mmask64 some = count - i < 64 ? ((__mmask64)1 << (count - i)) - 1 : ~(__mmask64)0;
    const __m512i at = _mm512_maskz_loadu_epi8(some, input + i);
    _mm512_mask_storeu_epi8(output + i, some, look_up(parts, at));
  }
}
