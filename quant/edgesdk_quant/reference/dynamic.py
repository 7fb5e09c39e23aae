"""Float activations with integer weights: activations are quantized to 8 bits while running.

The rule is LiteRT's, bit for bit (docs/NUMERICS.md): its XNNPACK kernels quantize rows, its own
depthwise kernel quantizes images.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgesdk_quant.reference.context import Context
from edgesdk_runtimes.base import Array

MOST_DEPTH = (2**31 - 1) // (255 * 128)
MOST_TAPS = 2**24 // (255 * 128)

_f32 = np.float32


@dataclass(frozen=True)
class QuantizedRows:
    """Rows on grids of their own.

    Attributes:
        values: float64 [rows, n], whole numbers: stored values less their zero points.
        scale: float32 [rows, 1].
        zero_point: float64 [rows, 1], whole numbers.
    """

    values: Array
    scale: Array
    zero_point: Array


def is_dynamic(context: Context, products: int, most: int = MOST_DEPTH) -> bool:
    """Whether the operator multiplies floats with plain integers (zero points 0).

    Args:
        context: the operator.
        products: how many one output sums.
        most: how many can be summed exactly.
    """
    tensor = context.tensor(1)
    scheme = tensor.quantization
    if context.quantized or scheme is None or tensor.type not in ("INT8", "INT4") or scheme.block:
        return False
    return products <= most and not scheme.zero_point.any()


def quantize_rows(x: Array) -> QuantizedRows:
    """Quantize each row of float32 [rows, n] to int8 over its own range."""
    low = np.minimum(x.min(axis=1, keepdims=True), _f32(0))
    high = np.maximum(x.max(axis=1, keepdims=True), _f32(0))
    span = np.where(low == high, _f32(255), high - low)
    inverse = _f32(255) / span
    least, most = low * inverse, high * inverse
    low_errs_less = (_f32(-128) + least) + (_f32(127) + most) > 0
    zero = np.where(low_errs_less, _f32(-128) - least, _f32(127) - most)
    zero = np.rint(np.clip(zero, -128, 127))
    stored = np.clip(np.rint(x * inverse).astype(np.float64) + zero, -128, 127)
    return QuantizedRows(stored - zero, _f32(1) / inverse, zero)


def quantize_images(x: Array) -> QuantizedRows:
    """Quantize each row of float32 [images, n] by the rule of the depthwise kernel."""
    low = np.minimum(x.min(axis=1, keepdims=True), _f32(0))
    high = np.maximum(x.max(axis=1, keepdims=True), _f32(0))
    scale = np.where(low == high, _f32(1), (high - low) / _f32(255))
    below, above = (end.astype(np.float64) / scale for end in (low, high))
    zero = np.where(128 - below < 127 + above, -128 - below, 127 - above)
    zero = np.where(low == high, 0, _away(np.clip(zero, -128, 127)))
    shifted = zero.astype(_f32) + x * (_f32(1) / scale)
    stored = np.clip(_away(shifted).astype(np.float64), -128, 127)
    return QuantizedRows(stored - zero, scale, zero)


def multiply_blocks(rows: QuantizedRows, weights: Array, scale: Array) -> Array:
    """Products with weights in blocks, each block with a scale of its own.

    Args:
        rows: the activations, n = depth.
        weights: [units, depth], whole numbers.
        scale: float32 [units, depth / block].

    Returns:
        float32 [rows, units]: sums in the order of the blocks, each step rounded to float32.
    """
    scale = to_bfloat16(scale)
    units, blocks = scale.shape
    parts = weights.reshape(units, blocks, -1).astype(np.float64)
    stored = (rows.values + rows.zero_point).reshape(len(rows.values), blocks, -1)
    offset = np.zeros(units, _f32)
    for b in range(blocks):
        offset = fused_multiply_add(parts[:, b].sum(axis=1).astype(_f32), scale[:, b], offset)
    total = -rows.zero_point.astype(_f32) * offset
    for b in range(blocks):
        products = (stored[:, b] @ parts[:, b].T).astype(_f32)
        total = fused_multiply_add(products, scale[:, b], total)
    return np.asarray(total * rows.scale)


def to_bfloat16(value: Array) -> Array:
    """float32 rounded to bfloat16, ties to even, as float32."""
    bits = np.ascontiguousarray(value, _f32).view(np.uint32).astype(np.uint64)
    rounded = (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000
    return rounded.astype(np.uint32).view(_f32)


def finish_rows(sums: Array, scale: Array, weight_scale: Array, bias: Array | None) -> Array:
    """fma(f32(sums * scale), weight_scale, bias) of exact sums with channels last, as float32."""
    product = sums.astype(_f32) * scale
    return fused_multiply_add(product, weight_scale, np.zeros(1, _f32) if bias is None else bias)


def finish_images(sums: Array, scale: Array, weight_scale: Array, bias: Array | None) -> Array:
    """f32(f32(f32(sums * a) * b) + bias) of exact sums with channels last.

    a is weight_scale and b scale in the fours of channels, and the reverse in those left over.
    """
    in_four = np.arange(sums.shape[-1]) < sums.shape[-1] // 4 * 4
    first = np.where(in_four, weight_scale, scale)
    product = sums.astype(_f32) * first * np.where(in_four, scale, weight_scale)
    return product if bias is None else product + bias


def fused_multiply_add(a: Array, b: Array, c: Array) -> Array:
    """A * b + c of float32, rounded once.

    The product is exact in float64. Its sum with c is rounded to odd, after which rounding to
    float32 is the rounding of the exact sum (Boldo and Melquiond, "Emulation of FMA and correctly
    rounded sums: proved algorithms using rounding to odd", 2008, theorem 1).
    """
    product = a.astype(np.float64) * b
    addend = np.asarray(c, np.float64)
    total = product + addend
    part = total - product
    error = (product - (total - part)) + (addend - part)
    even = (total.view(np.int64) & 1) == 0
    towards = np.where(error > 0, np.inf, -np.inf)
    odd = np.where((error != 0) & even, np.nextafter(total, towards), total)
    return np.asarray(odd.astype(_f32))


def _away(value: Array) -> Array:
    """Round to the nearest integer, ties away from zero."""
    return np.asarray(np.trunc(value + np.copysign(value.dtype.type(0.5), value)))
