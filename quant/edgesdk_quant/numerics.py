"""THE integer semantics: what every kernel, every runtime and every simulation must compute.

The rules are those of docs/NUMERICS.md. `f32` marks each rounding to float32; numpy rounds every
float32 operation once, so an expression over float32 arrays is the chain of roundings it shows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgesdk_runtimes.errors import UnsupportedError

Array = NDArray[Any]
f32 = np.float32

LIMITS = {
    "INT8": (-128, 127),
    "UINT8": (0, 255),
    "INT16": (-32768, 32767),
    "INT4": (-8, 7),
    "INT32": (-(2**31), 2**31 - 1),
}
DTYPES = {"INT8": np.int8, "UINT8": np.uint8, "INT16": np.int16, "INT4": np.int8, "INT32": np.int32}


# Below it a channel is pruned: no sum that fits int32 reaches half a step of the output.
SMALLEST_SCALE = f32(2.0**-33)


@dataclass(frozen=True)
class Grid:
    """Where a per-tensor quantized value lives: real = scale * (q - zero_point).

    Attributes:
        type: "INT8", "UINT8", "INT16", ...
        scale: float32.
        zero_point: stored value of real 0.
        low: smallest stored value, after a fused activation.
        high: largest stored value, after a fused activation.
    """

    type: str
    scale: np.float32
    zero_point: int
    low: int
    high: int

    def settle(self, value: Array) -> Array:
        """clamp(rint(value) + zero_point); ties to even, NaN gives the zero point.

        Args:
            value: float32, in units of the output's scale.
        """
        bounded = np.clip(
            np.nan_to_num(value, nan=0.0), self.low - self.zero_point, self.high - self.zero_point
        )
        stored = np.rint(bounded).astype(np.int64) + self.zero_point
        return np.asarray(stored, DTYPES[self.type])

    def clamp(self, value: Array) -> Array:
        """Bound integers that already include the zero point."""
        return np.clip(value, self.low, self.high).astype(DTYPES[self.type])


def quantize(x: Array, grid: Grid) -> Array:
    """QUANTIZE: float32 of any shape -> stored values."""
    inverse = f32(1) / grid.scale
    with np.errstate(over="ignore", invalid="ignore"):
        return grid.settle(x.astype(f32) * inverse)


def dequantize(q: Array, grid: Grid) -> NDArray[np.float32]:
    """DEQUANTIZE: stored values -> float32."""
    return np.asarray((q.astype(np.int32) - grid.zero_point).astype(f32) * grid.scale)


def output_scales(input_scale: np.float32, weight_scales: Array, output_scale: np.float32) -> Array:
    """Scale of each output channel's accumulator in units of the output: float32 [C]."""
    return np.asarray(f32(input_scale) * weight_scales.astype(f32) / f32(output_scale))


def requantize(accumulator: Array, scales: Array, grid: Grid) -> Array:
    """Accumulators (integers, channels last) -> stored values; pruned channels give real 0."""
    alive = np.where(scales < SMALLEST_SCALE, f32(0), scales)
    return grid.settle(accumulator.astype(f32) * alive)


def add(a: Array, grid_a: Grid, b: Array, grid_b: Grid, out: Grid, sign: int = 1) -> Array:
    """ADD (sign 1) and SUB (sign -1) of 8-bit values, in fixed point; broadcasting."""
    ratio_a, ratio_b = grid_a.scale / out.scale, grid_b.scale / out.scale
    shift = 20 - math.floor(math.log2(max(ratio_a, ratio_b)))
    multiplier_a = round(float(ratio_a) * 2.0**shift)
    multiplier_b = round(float(ratio_b) * 2.0**shift) * sign
    total = (a.astype(np.int64) - grid_a.zero_point) * multiplier_a
    total = total + (b.astype(np.int64) - grid_b.zero_point) * multiplier_b
    return out.clamp(((total + (1 << (shift - 1))) >> shift) + out.zero_point)


def multiply(a: Array, grid_a: Grid, b: Array, grid_b: Grid, out: Grid) -> Array:
    """MUL of 8-bit values; broadcasting."""
    scale = grid_a.scale * grid_b.scale / out.scale
    product = (a.astype(np.int32) - grid_a.zero_point) * (b.astype(np.int32) - grid_b.zero_point)
    return out.settle(product.astype(f32) * scale)


def mean(x: Array, axes: tuple[int, ...], keep: bool, grid: Grid, out: Grid) -> Array:
    """MEAN of 8-bit values over axes: an exact sum, one float scale and offset."""
    count = math.prod(x.shape[axis] for axis in axes)
    scale = (grid.scale / out.scale) * (f32(1) / f32(count))
    return _reduced(x, axes, keep, scale, grid, out)


def reduce_sum(x: Array, axes: tuple[int, ...], keep: bool, grid: Grid, out: Grid) -> Array:
    """SUM of 8-bit values over axes, as `mean`."""
    return _reduced(x, axes, keep, grid.scale / out.scale, grid, out)


def _reduced(
    x: Array, axes: tuple[int, ...], keep: bool, scale: np.float32, grid: Grid, out: Grid
) -> Array:
    count = math.prod(x.shape[axis] for axis in axes)
    offset = f32(out.zero_point) - f32(count * grid.zero_point) * scale
    total = x.sum(axis=axes, keepdims=keep, dtype=np.int64).astype(f32)
    value = np.clip(total * scale + offset, out.low, out.high)
    return np.asarray(np.rint(value), DTYPES[out.type])


def softmax(x: Array, beta: float, grid: Grid, out: Grid) -> Array:
    """SOFTMAX of 8-bit values over the last dimension; the sum is taken in float32, in order."""
    terms, total = _exponentials(x, grid.scale * f32(beta))
    inverse = f32(1) / (total * out.scale)
    return out.clamp(away(terms * inverse) + out.zero_point)


def log_softmax(x: Array, grid: Grid, out: Grid) -> Array:
    """LOG_SOFTMAX of 8-bit values over the last dimension."""
    _, total = _exponentials(x, grid.scale)
    logarithm = np.log(total.astype(np.float64)).astype(f32)
    largest = x.max(axis=-1, keepdims=True).astype(f32)
    shift = (grid.scale * largest + logarithm) / out.scale
    return out.settle((grid.scale / out.scale) * x.astype(f32) - shift)


def _exponentials(x: Array, step: np.float32) -> tuple[Array, Array]:
    """exp(step * (x - max)) by a 256-entry table, and its sum over the last dimension: float32."""
    exponents = -step * np.arange(256, dtype=f32)
    table = np.exp(exponents.astype(np.float64)).astype(f32)
    terms = table[x.max(axis=-1, keepdims=True).astype(np.int32) - x.astype(np.int32)]
    return terms, np.add.accumulate(terms, axis=-1, dtype=f32)[..., -1:]


def l2_normalization(x: Array, grid: Grid, out: Grid) -> Array:
    """L2_NORMALIZATION over the last dimension, exact in float64; a row of zeros stays so."""
    value = x.astype(np.float64) - grid.zero_point
    length = np.sqrt(np.square(value).sum(axis=-1, keepdims=True))
    steps = np.divide(value, length, out=np.zeros_like(value), where=length > 0)
    return out.clamp(np.rint(steps / np.float64(out.scale)) + out.zero_point)


def away(value: Array) -> Array:
    """To the nearest integer, ties away from zero: float64."""
    exact = value.astype(np.float64)
    return np.asarray(np.copysign(np.floor(np.abs(exact) + 0.5), exact))


def lookup(x: Array, table: Array) -> Array:
    """Apply a 256-entry table to 8-bit values; entry i is for the i-th smallest value."""
    return table[x.astype(np.int32) - np.iinfo(x.dtype).min]


def rescale_by_256(x: Array, grid: Grid, out: Grid, negative: float = 1.0) -> Array:
    """QUANTIZE to the same type and LEAKY_RELU: multipliers in units of 1/256.

    Args:
        x: 8-bit values.
        grid: of x.
        out: of the result.
        negative: slope below zero.
    """
    ratio = grid.scale / out.scale
    above, below = round(float(ratio) * 256), round(float(ratio * f32(negative)) * 256)
    value = x.astype(np.int64) - grid.zero_point
    scaled = (value * np.where(value >= 0, above, below) + 128) >> 8
    return out.clamp(scaled + out.zero_point)


def fixed_point(real: float) -> tuple[int, int]:
    """Multiplier in [2^30, 2^31) and exponent: real = multiplier * 2^(exponent - 31)."""
    fraction, exponent = math.frexp(real)
    multiplier = math.floor(fraction * 2**31 + 0.5)
    return (multiplier // 2, exponent + 1) if multiplier == 2**31 else (multiplier, exponent)


def multiply_fixed(value: Array, real: float) -> Array:
    """The product in 31-bit fixed point, rounded twice (docs/NUMERICS.md, mulfix): int64."""
    return multiply_by(value, *fixed_point(real))


def multiply_by(value: Array, multiplier: int, exponent: int) -> Array:
    """Value * multiplier * 2^(exponent - 31), rounded twice: int64."""
    shifted = np.clip(value.astype(np.int64) << max(exponent, 0), *LIMITS["INT32"])
    product = shifted * multiplier
    nudged = product + np.where(product >= 0, 1 << 30, 1 - (1 << 30))
    high = np.where(nudged >= 0, nudged >> 31, -((-nudged) >> 31))
    right = max(-exponent, 0)
    mask = (1 << right) - 1
    threshold = (mask >> 1) + (high < 0)
    return np.asarray((high >> right) + ((high & mask) > threshold))


def multiply_fixed_wide(value: Array, real: float) -> Array:
    """64-bit value * real with a 16-bit multiplier, ties towards plus infinity: int64."""
    multiplier, exponent = fixed_point(real)
    reduced = (multiplier + (1 << 15)) >> 16 if multiplier < 0x7FFF0000 else 0x7FFF
    shift = 15 - exponent
    if shift <= 0:
        return value * reduced << -shift
    return (value * reduced + (1 << (shift - 1))) >> shift


def hard_swish(x: Array, grid: Grid, out: Grid) -> Array:
    """HARD_SWISH of 8-bit values in 16-bit fixed point.

    Raises:
        UnsupportedError: the output's scale is so fine that a multiplier exceeds 1.
    """
    fine = grid.scale / f32(128)
    swish, down = fixed_point(float(fine / out.scale))
    gate, up = fixed_point(float(fine / (f32(3) / f32(2**15))))
    if down > 0:
        raise UnsupportedError(f"HARD_SWISH has scales {grid.scale} and {out.scale}, too far apart")
    value = (x.astype(np.int64) - grid.zero_point) * 128
    share = np.clip(value << max(up - 1, 0), -(2**15), 2**15 - 1) if up > 0 else value
    share = _times16(share, gate)
    share = np.clip(2 * share, -(2**15), 2**15 - 1) if up > 0 else divide_by_power(share, -up)
    product = ((share + 2**15) >> 1) * _times16(value, swish)
    high = np.sign(product) * (np.abs(product) >> 15)
    return out.clamp(divide_by_power(high, -down) + out.zero_point)


def _times16(value: Array, multiplier: int) -> Array:
    """The product with a 31-bit multiplier cut to 16 bits."""
    product = value * min((multiplier + (1 << 15)) >> 16, 2**15 - 1)
    nudged = product + np.where(product >= 0, 1 << 14, 1 - (1 << 14))
    return np.asarray(np.sign(nudged) * (np.abs(nudged) >> 15))


def divide_by_power(value: Array, bits: int) -> Array:
    """Value / 2^bits, ties away from zero."""
    half = (1 << bits) >> 1
    return np.asarray(np.sign(value) * ((np.abs(value) + half) >> bits))


def magnify(value: Array, grid: Grid, out: Grid) -> Array:
    """RELU* and ABS: integers that already lack the zero point, times a float32 ratio."""
    return out.clamp(multiply_fixed(value, float(grid.scale / out.scale)) + out.zero_point)


def regrid(x: Array, grid: Grid, out: Grid) -> Array:
    """CONCATENATION of another grid: one float factor and offset, ties away from zero."""
    ratio = grid.scale * (f32(1) / out.scale)
    offset = f32(-grid.zero_point) * ratio
    return out.clamp(away(x.astype(f32) * ratio + offset) + out.zero_point)


def prelu(x: Array, grid: Grid, alpha: Array, grid_alpha: Grid, out: Grid) -> Array:
    """PRELU of integers; alpha broadcasts."""
    ratio = float(grid.scale) / float(out.scale)
    value = x.astype(np.int64) - grid.zero_point
    product = value * (alpha.astype(np.int64) - grid_alpha.zero_point)
    above = multiply_fixed(value, ratio)
    below = multiply_fixed(product, float(grid.scale) * float(grid_alpha.scale) / float(out.scale))
    return out.clamp(np.where(value >= 0, above, below) + out.zero_point)


def squared_difference(a: Array, grid_a: Grid, b: Array, grid_b: Grid, out: Grid) -> Array:
    """SQUARED_DIFFERENCE of integers; 8-bit operands get 7 bits of headroom."""
    shift = 0 if out.type == "INT16" else 7
    scale_a, scale_b = float(grid_a.scale), float(grid_b.scale)
    twice = 2 * max(scale_a, scale_b)
    side_a = multiply_fixed((a.astype(np.int64) - grid_a.zero_point) << shift, scale_a / twice)
    side_b = multiply_fixed((b.astype(np.int64) - grid_b.zero_point) << shift, scale_b / twice)
    square = np.square(side_a - side_b)
    real = twice * twice / (2 ** (2 * shift) * float(out.scale))
    return out.clamp(multiply_fixed(square, real) + out.zero_point)


def rescale(x: Array, grid: Grid, out: Grid) -> Array:
    """QUANTIZE between integer types."""
    real = float(np.float64(grid.scale) / np.float64(out.scale))
    return out.clamp(multiply_fixed(x.astype(np.int64) - grid.zero_point, real) + out.zero_point)


def average(total: Array, count: Array) -> Array:
    """Integer mean, ties away from zero, as AVERAGE_POOL_2D divides: int64."""
    half = count // 2
    return np.asarray(np.where(total > 0, (total + half) // count, -((-total + half) // count)))


def pack_int4(values: Array) -> NDArray[np.uint8]:
    """int8 -8..7 of any shape -> bytes, two values a byte, the low nibble first."""
    flat = values.astype(np.int8).ravel().view(np.uint8) & 0xF
    if flat.size % 2:
        flat = np.append(flat, np.uint8(0))
    return np.asarray(flat[0::2] | (flat[1::2] << 4), np.uint8)


def unpack_int4(packed: NDArray[np.uint8], count: int) -> NDArray[np.int8]:
    """Bytes -> int8 [count], values -8..7."""
    nibbles = np.stack([packed & 0xF, packed >> 4], axis=-1).ravel()[:count].astype(np.int8)
    return np.asarray(np.where(nibbles > 7, nibbles - 16, nibbles), np.int8)
