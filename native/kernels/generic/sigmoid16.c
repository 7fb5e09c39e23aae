#include <math.h>
#include <stdlib.h>

#include "kernels/fixed16.h"
#include "kernels/table16.h"

/* 65536 * sigmoid(i / 24), to within 1.2: LiteRT's table, read off its results. */
static const uint16_t sigmoids[256] = {
    32768, 33451, 34133, 34813, 35493, 36169, 36843, 37513, 38180, 38841, 39498, 40149, 40794,
    41432, 42064, 42688, 43304, 43912, 44511, 45102, 45683, 46255, 46817, 47369, 47911, 48443,
    48964, 49475, 49975, 50464, 50942, 51409, 51865, 52311, 52745, 53169, 53581, 53983, 54374,
    54755, 55125, 55485, 55834, 56174, 56503, 56823, 57133, 57433, 57724, 58007, 58280, 58544,
    58800, 59048, 59288, 59519, 59743, 59959, 60168, 60370, 60565, 60753, 60935, 61110, 61279,
    61441, 61599, 61750, 61896, 62036, 62172, 62302, 62428, 62549, 62666, 62778, 62886, 62990,
    63090, 63186, 63279, 63368, 63454, 63536, 63615, 63691, 63765, 63835, 63903, 63968, 64030,
    64090, 64148, 64204, 64257, 64308, 64357, 64405, 64450, 64494, 64536, 64576, 64614, 64652,
    64687, 64721, 64754, 64786, 64816, 64845, 64873, 64900, 64926, 64950, 64974, 64997, 65019,
    65039, 65060, 65079, 65097, 65115, 65132, 65149, 65164, 65179, 65194, 65208, 65221, 65234,
    65246, 65258, 65269, 65280, 65291, 65301, 65310, 65319, 65328, 65337, 65345, 65352, 65360,
    65367, 65374, 65381, 65387, 65393, 65399, 65404, 65410, 65415, 65420, 65425, 65429, 65433,
    65438, 65442, 65445, 65449, 65453, 65456, 65459, 65462, 65465, 65468, 65471, 65474, 65476,
    65479, 65481, 65483, 65485, 65488, 65489, 65491, 65493, 65495, 65497, 65498, 65500, 65501,
    65503, 65504, 65505, 65507, 65508, 65509, 65510, 65511, 65512, 65513, 65514, 65515, 65516,
    65517, 65517, 65518, 65519, 65520, 65520, 65521, 65522, 65522, 65523, 65523, 65524, 65524,
    65525, 65525, 65526, 65526, 65526, 65527, 65527, 65528, 65528, 65528, 65529, 65529, 65529,
    65529, 65530, 65530, 65530, 65530, 65531, 65531, 65531, 65531, 65531, 65532, 65532, 65532,
    65532, 65532, 65532, 65533, 65533, 65533, 65533, 65533, 65533, 65533, 65533, 65534, 65534,
    65534, 65534, 65534, 65534, 65534, 65534, 65534, 65534, 65535,
};

/* An exponent counts as whole when it is so to within 1/1000. */
er_sigmoid16 er_sigmoid16_for(float scale, int32_t most_shift) {
  const double exponent = log((double)scale) / log(2.0), shift = rint(exponent) + 12;
  if (fabs(exponent - rint(exponent)) < 1e-3 && shift >= 0 && shift <= most_shift) {
    return (er_sigmoid16){0, (int32_t)shift};
  }
  er_sigmoid16 argument = {0, 0};
  double multiplier = (double)scale * 12288;
  for (; multiplier <= 32767.0 / 2 && argument.shift <= 30; argument.shift++) multiplier *= 2;
  argument.multiplier = multiplier < INT32_MAX ? (int32_t)multiplier : INT32_MAX;
  return argument;
}

/* All that lies beyond the table's end is the same: 2^20 is beyond it. */
static int32_t scaled(const er_sigmoid16 *argument, int32_t value) {
  const int64_t half = argument->shift > 0 ? (int64_t)1 << (argument->shift - 1) : 0;
  return er_clamp(((int64_t)value * argument->multiplier + half) >> argument->shift, -(1 << 20),
                  1 << 20);
}

/* A straight line between two entries, 2^bits apart: sigmoid * 2^(16 + bits). */
static int32_t interpolated(int32_t magnitude, int32_t bits) {
  const int32_t index = magnitude >> bits, rest = magnitude & ((1 << bits) - 1);
  return (sigmoids[index] << bits) + rest * (sigmoids[index + 1] - sigmoids[index]);
}

int32_t er_logistic_s16(const er_sigmoid16 *argument, int32_t value) {
  if (argument->multiplier == 0) return er_sigmoid_q3((int16_t)value);
  const int32_t x = scaled(argument, value), magnitude = abs(x);
  const int32_t result = magnitude >> 9 >= 255 ? 0x7FFF << 10 : interpolated(magnitude, 9);
  return (x >= 0 ? result + (1 << 9) : (1 << 25) - result + (1 << 9) - 1) >> 10;
}

/* tanh(x) = 2 sigmoid(2 x) - 1 */
int32_t er_tanh_s16(const er_sigmoid16 *argument, int32_t value) {
  if (argument->multiplier == 0) {
    return er_tanh_q(3, er_saturate16(value * (1 << argument->shift)));
  }
  const int32_t x = scaled(argument, value), magnitude = abs(x);
  const int32_t result = magnitude >> 8 >= 255 ? 0xFFFF << 8 : interpolated(magnitude, 8);
  return (x >= 0 ? result - (1 << 23) + (1 << 7) : (1 << 23) - result + (1 << 7) - 1) >> 8;
}
