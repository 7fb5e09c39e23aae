"""Integer semantics that 16-bit activations do not share with 8-bit ones (docs/NUMERICS.md).

Values are int16 with zero point 0; all functions broadcast and are vectorised.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from edgesdk_quant.numerics import Grid, away, fixed_point, multiply_by, multiply_fixed
from edgesdk_runtimes.base import Array

f32 = np.float32
# Headroom below int32 that operands are shifted into before they are added.
SHIFT = 15


def add(a: Array, grid_a: Grid, b: Array, grid_b: Grid, out: Grid, sign: int = 1) -> Array:
    """ADD (sign 1) and SUB (sign -1): both brought to twice the coarser scale, then added."""
    scale_a, scale_b = float(grid_a.scale), float(grid_b.scale)
    twice = 2 * max(scale_a, scale_b)
    total = multiply_fixed(a.astype(np.int64) << SHIFT, scale_a / twice)
    total = total + sign * multiply_fixed(b.astype(np.int64) << SHIFT, scale_b / twice)
    return out.clamp(multiply_fixed(total, twice / (2**SHIFT * float(out.scale))))


def multiply(a: Array, grid_a: Grid, b: Array, grid_b: Grid, out: Grid) -> Array:
    """MUL; the factor is made in float32."""
    product = a.astype(np.int64) * b.astype(np.int64)
    return out.clamp(multiply_fixed(product, float(grid_a.scale * grid_b.scale / out.scale)))


def leaky_relu(x: Array, alpha: float, grid: Grid, out: Grid) -> Array:
    """LEAKY_RELU; both factors are made in float32."""
    above = multiply_fixed(x, float(grid.scale / out.scale))
    below = _signed(x, float(grid.scale * f32(alpha) / out.scale))
    return out.clamp(np.where(x >= 0, above, below))


def _signed(x: Array, real: float) -> Array:
    """multiply_fixed with a factor of any sign."""
    return np.sign(real) * multiply_fixed(x, abs(real)) if real else np.zeros_like(x, np.int64)


def reduce_sum(x: Array, axes: tuple[int, ...], keep: bool, grid: Grid, out: Grid) -> Array:
    """SUM: exact, then one factor in float32, ties away from zero."""
    total = x.sum(axis=axes, keepdims=keep, dtype=np.int64)
    return out.clamp(away(total.astype(f32) * (grid.scale / out.scale)))


def mean(x: Array, axes: tuple[int, ...], keep: bool, grid: Grid, out: Grid) -> Array:
    """MEAN: the exact sum, and one multiplier that the count divides."""
    count = math.prod(x.shape[axis] for axis in axes)
    total = x.sum(axis=axes, keepdims=keep, dtype=np.int64)
    multiplier, exponent = fixed_point(float(grid.scale) / float(out.scale))
    shift = min(count.bit_length() - 1, 32, 31 + exponent)
    return out.clamp(multiply_by(total, (multiplier << shift) // count, exponent - shift))


def through_reals(function: Callable[[Array], Array], x: Array, grid: Grid, out: Grid) -> Array:
    """LOG_SOFTMAX: exact in float64, then rounded once, ties to even."""
    real = x.astype(np.float64) * np.float64(grid.scale)
    return out.clamp(np.rint(function(real) / np.float64(out.scale)))


def resize_line(size: int, wanted: int, corners: bool, half: bool) -> tuple[Array, Array, Array]:
    """RESIZE_BILINEAR along one dimension, positions in units of 1/1024.

    Args:
        size: elements there are.
        wanted: elements to make.
        corners: the outermost elements stay where they are.
        half: elements are centred on half positions.

    Returns:
        Element below, element above, and the share of the one above in 1/1024, each [wanted].
    """
    first, last = (size - 1, wanted - 1) if corners and wanted > 1 else (size, wanted)
    step = (1024 * first + last // 2) // last
    at = np.arange(wanted, dtype=np.int64) * step + (step // 2 - 512 if half else 0)
    low = np.maximum(_towards_zero(at, 1024), 0)
    high = np.minimum(_towards_zero(at + 1023, 1024), size - 1)
    return low, high, at - 1024 * low


def _towards_zero(a: Array, b: int) -> Array:
    return np.asarray(np.sign(a) * (np.abs(a) // b))
