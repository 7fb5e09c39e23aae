"""Functions of int16 values through tables (docs/NUMERICS.md, int16 activations).

Algorithm: TensorFlow Lite's 16-bit kernels. Any function is sampled at 512 steps with straight
lines between them; sigmoid and tanh share one table of 256 unsigned entries; softmax is built from
two of the sampled tables and 31-bit multipliers.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from edgesdk_quant import fixed16
from edgesdk_quant.numerics import Grid, away, multiply_fixed
from edgesdk_runtimes.base import Array
from edgesdk_runtimes.errors import UnsupportedError

LOW, HIGH, STEPS = -(2**15), 2**15 - 1, 512
UNIT = 2.0**-15  # scale of what LOGISTIC, TANH and SOFTMAX give
# Units of the argument of the sigmoid table, as parts of 1.
FINE = 3 * 4096
# 65536 * sigmoid(i / 24), to within 1.2: what LiteRT's results show of its table.
SIGMOIDS = np.array(
    [
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
    ],
    np.int64,
)  # fmt: skip


def sampled(
    function: Callable[[Array], Array],
    scales: tuple[float, float],
    zero_point: int = 0,
    dtype: type[np.floating] = np.float32,
) -> Array:
    """Sample a function at 512 steps and the end.

    Half of the error in the middle of a step is taken from its start.

    Args:
        function: of real values.
        scales: of the input and of the output.
        zero_point: of the input; the output's is 0.
        dtype: in which every operation is rounded.

    Returns:
        int64 [513] within int16; 0 where the function has no value.
    """
    scale, out = (dtype(value) for value in scales)
    start, end = scale * dtype(LOW - zero_point), scale * dtype(HIGH - zero_point)
    step = (end - start) / dtype(STEPS)
    inverse = dtype(2**16) / (out * dtype(HIGH) - out * dtype(LOW))
    at = start + np.arange(STEPS + 1).astype(dtype) * step
    with np.errstate(all="ignore"):
        value = function(at).astype(dtype) * inverse
        middle = away(function(at[:-1] + step / dtype(2)).astype(dtype) * inverse)
        sample = away(value)
        straight = away(((value[1:] + sample[:-1].astype(dtype)) / dtype(2)).astype(dtype))
        start_of_step = sample[:-1] - away((straight - middle) / 2)
        last = away(function(np.array([end])).astype(dtype) * inverse)
    table = np.clip(np.concatenate([start_of_step, last]), LOW, HIGH)
    return np.asarray(np.nan_to_num(table), np.int64)


def interpolate(table: Array, value: Array) -> Array:
    """Look int16 values up in a table of `sampled`: int64; slope and result wrap to 16 bits."""
    index = (value.astype(np.int64) >> 7) + STEPS // 2
    base, rest = table[index], value.astype(np.int64) & 127
    slope = (table[index + 1] - base).astype(np.int16).astype(np.int64)
    return np.asarray((base + ((slope * rest + 64) >> 7)).astype(np.int16).astype(np.int64))


def logistic(x: Array, grid: Grid) -> Array:
    """LOGISTIC of int16 values in units of 2^-15."""
    if _whole_exponent(float(grid.scale)) == 0:
        return fixed16.sigmoid(x, 3)
    fine = _argument(x, float(grid.scale))
    result = _between(np.abs(fine), 9, 0x7FFF << 10)
    return np.asarray(np.where(fine >= 0, result + 512, (1 << 25) - result + 511) >> 10)


def tanh(x: Array, grid: Grid) -> Array:
    """TANH of int16 values in units of 2^-15: 2 sigmoid(2 x) - 1."""
    shift = _whole_exponent(float(grid.scale))
    if shift in (0, 1):
        return fixed16.tanh(np.clip(x.astype(np.int64) << shift, LOW, HIGH), 3)
    fine = _argument(x, float(grid.scale))
    result = _between(np.abs(fine), 8, 0xFFFF << 8)
    half = 1 << 23
    return np.asarray(np.where(fine >= 0, result - half + 128, half - result + 127) >> 8)


def _whole_exponent(scale: float) -> int | None:
    """How far a scale that is a power of two lies above 2^-12; None for any other."""
    exponent = math.log2(scale)
    return round(exponent) + 12 if abs(exponent - round(exponent)) < 1e-3 else None


def _argument(x: Array, scale: float) -> Array:
    """The argument in units of 1/12288, by a multiplier of 15 bits."""
    multiplier, shift = scale * FINE, 0
    while multiplier <= HIGH / 2 and shift <= 30:
        multiplier, shift = 2 * multiplier, shift + 1
    return np.asarray((x.astype(np.int64) * int(multiplier) + ((1 << shift) >> 1)) >> shift)


def _between(magnitude: Array, bits: int, beyond: int) -> Array:
    """A straight line between entries of the sigmoid table that lie 2^bits apart."""
    index = np.minimum(magnitude >> bits, 254)
    rest = magnitude & ((1 << bits) - 1)
    line = (SIGMOIDS[index] << bits) + rest * (SIGMOIDS[index + 1] - SIGMOIDS[index])
    return np.asarray(np.where(magnitude >> bits >= 255, beyond, line))


def softmax(x: Array, beta: float, grid: Grid, out: Grid) -> Array:
    """SOFTMAX over the last dimension of int16 values, in units of 2^-15.

    Raises:
        UnsupportedError: another output scale, which no runtime computes.
    """
    if float(out.scale) != UNIT:
        raise UnsupportedError(
            f"SOFTMAX of int16 values has output scale {out.scale}; it must be 1/32768."
        )
    unit = 10 / 65535
    exponential = sampled(np.exp, (unit, 2 / 65535), HIGH, np.float64)
    reciprocal = sampled(lambda t: 1 / (1 + t), (1 / 65535, 2 / 65535), LOW, np.float64)
    below = x.astype(np.int64) - x.max(axis=-1, keepdims=True)
    scale = float(np.float32(grid.scale) * np.float32(beta))
    scaled = multiply_fixed(below, scale / unit) + HIGH
    terms = interpolate(exponential, np.clip(scaled, LOW, HIGH))
    total = terms.sum(axis=-1, keepdims=True)
    bits = np.frexp(total.astype(np.float64))[1].astype(np.int64)
    mantissa = ((total << (31 - bits)) + (1 << 13)) >> 14
    inverse = interpolate(reciprocal, np.clip(mantissa - 3 * (1 << 15), LOW, HIGH))
    shift = bits - 1
    rounded = (terms * inverse + (np.int64(1) << (shift - 1))) >> shift
    return np.asarray(np.clip(rounded, 0, HIGH))
