"""Convolutions, fully connected layers and matrix products."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgesdk_quant import numerics
from edgesdk_quant.reference import dynamic
from edgesdk_quant.reference.context import Context
from edgesdk_quant.reference.windows import extents, windows
from edgesdk_quant.tflite.model import Quantization, Tensor
from edgesdk_runtimes.base import Array
from edgesdk_runtimes.errors import UnsupportedError


def conv(context: Context) -> list[Array]:
    """CONV_2D, grouped too: weights [O, H, W, I / groups]."""
    if dynamic.is_dynamic(context, int(np.prod(context.tensor(1).shape[1:]))):
        return [_dynamic_conv(context)]
    x, weights = _operands(context)
    return [_finish(context, _conv_sums(context, x, weights))]


def _conv_sums(context: Context, x: Array, weights: Array) -> Array:
    """[N, H, W, I] x [O, kh, kw, I / groups] -> [N, H', W', O]."""
    groups = x.shape[3] // weights.shape[3]
    patches = windows(context, x, (weights.shape[1], weights.shape[2]), 0.0)
    per_group = weights.shape[0] // groups
    depth = weights.shape[3]
    sums = [
        _product(
            patches[..., g * depth : (g + 1) * depth, :, :],
            weights[g * per_group : (g + 1) * per_group],
        )
        for g in range(groups)
    ]
    return np.concatenate(sums, axis=-1)


def _dynamic_conv(context: Context) -> Array:
    """Float activations: each pixel of a 1x1 convolution is quantized alone, other images whole."""
    x, weights = context.value(0), context.value(1).astype(np.float64)
    pointwise = (
        weights.shape[1:] == (1, 1, x.shape[3]) and x.shape[1:3] == context.result().shape[1:3]
    )
    rows = dynamic.quantize_rows(x.reshape(-1, x.shape[3]) if pointwise else x.reshape(len(x), -1))
    sums = _conv_sums(context, rows.values.reshape(x.shape), weights)
    scale = rows.scale.reshape(*x.shape[:3], 1) if pointwise else rows.scale.reshape(-1, 1, 1, 1)
    return _finish_dynamic(context, dynamic.finish_rows, sums, scale)


def _finish_dynamic(
    context: Context, finish: Callable[..., Array], sums: Array, scale: Array
) -> Array:
    """Scales, bias and activation of exact sums with channels last."""
    scheme = context.tensor(1).quantization
    if scheme is None:
        raise UnsupportedError("weights without scales")
    bias = context.value(2) if context.has(2) else None
    finished = context.activated(finish(sums, scale, scheme.scale, bias))
    return np.asarray(finished, np.float32)


def _product(patches: Array, weights: Array) -> Array:
    """[N, H, W, I, kh, kw] x [O, kh, kw, I] -> [N, H, W, O] by one matrix product."""
    n, h, w = patches.shape[:3]
    rows = patches.transpose(0, 1, 2, 4, 5, 3).reshape(n * h * w, -1)
    return (rows @ weights.reshape(weights.shape[0], -1).T).reshape(n, h, w, -1)


def depthwise_conv(context: Context) -> list[Array]:
    """DEPTHWISE_CONV_2D: weights [1, H, W, C * multiplier]."""
    taps = context.tensor(1).shape[1] * context.tensor(1).shape[2]
    if dynamic.is_dynamic(context, taps, dynamic.MOST_TAPS):
        return [_dynamic_depthwise(context)]
    x, weights = _operands(context)
    return [_finish(context, _depthwise_sums(context, x, weights))]


def _dynamic_depthwise(context: Context) -> Array:
    """Float activations, each image quantized whole."""
    x, weights = context.value(0), context.value(1).astype(np.float64)
    images = dynamic.quantize_images(x.reshape(len(x), -1))
    sums = _depthwise_sums(context, images.values.reshape(x.shape), weights)
    return _finish_dynamic(context, dynamic.finish_images, sums, images.scale.reshape(-1, 1, 1, 1))


def _depthwise_sums(context: Context, x: Array, weights: Array) -> Array:
    """[N, H, W, C] x [1, kh, kw, C * multiplier] -> [N, H', W', C * multiplier]."""
    kernel = (weights.shape[1], weights.shape[2])
    channels, multiplier = x.shape[3], weights.shape[3] // x.shape[3]
    patches = windows(context, x, kernel, 0.0)
    taps = weights[0].reshape(*kernel, channels, multiplier)
    sums = np.einsum("nhwcij,ijcm->nhwcm", patches, taps)
    return np.asarray(sums.reshape(*sums.shape[:3], -1))


def fully_connected(context: Context) -> list[Array]:
    """FULLY_CONNECTED: weights [units, depth]."""
    scheme = context.tensor(1).quantization
    if scheme is not None and scheme.block:
        return [_blockwise_fully_connected(context, scheme.scale)]
    if dynamic.is_dynamic(context, context.tensor(1).shape[1]):
        return [_dynamic_fully_connected(context)]
    x, weights = _operands(context)
    keep = bool(context.integer("keep_num_dims"))
    rows = x if keep else x.reshape(-1, weights.shape[1])
    return [_finish(context, rows @ weights.T)]


def _blockwise_fully_connected(context: Context, scale: Array) -> Array:
    """Float activations, each row quantized alone; weights in blocks."""
    x, weights = context.value(0), context.value(1)
    rows = dynamic.quantize_rows(x.reshape(-1, weights.shape[1]))
    product = dynamic.multiply_blocks(rows, weights, scale)
    result = context.activated(product + context.value(2) if context.has(2) else product)
    return _as_rows_of(context, x, np.asarray(result, np.float32))


def _as_rows_of(context: Context, x: Array, result: Array) -> Array:
    """[rows, units] in the outer shape of x where the operator keeps dimensions."""
    keep = bool(context.integer("keep_num_dims"))
    return result.reshape(*x.shape[:-1], -1) if keep else result


def _dynamic_fully_connected(context: Context) -> Array:
    """Float activations, each row quantized alone."""
    x, weights = context.value(0), context.value(1).astype(np.float64)
    rows = dynamic.quantize_rows(x.reshape(-1, weights.shape[1]))
    result = _finish_dynamic(context, dynamic.finish_rows, rows.values @ weights.T, rows.scale)
    return _as_rows_of(context, x, result)


def transpose_conv(context: Context) -> list[Array]:
    """TRANSPOSE_CONV: inputs are shape, weights [O, H, W, I], image, bias."""
    x, weights = _operands(context, image=2)
    n, height, width, _ = x.shape
    out_h, out_w = (int(size) for size in context.value(0)[1:3])
    kernel = weights.shape[1:3]
    strides = context.integer("stride_h", 1), context.integer("stride_w", 1)
    padding = context.text("padding")
    before = [
        extents(size, k, s, 1, padding)[1]
        for size, k, s in zip((out_h, out_w), kernel, strides, strict=True)
    ]
    full_h = max(out_h + before[0], (height - 1) * strides[0] + kernel[0])
    full_w = max(out_w + before[1], (width - 1) * strides[1] + kernel[1])
    canvas = np.zeros((n, full_h, full_w, weights.shape[0]), x.dtype)
    spread = np.einsum("nhwi,oyxi->nhwyxo", x, weights)
    for y in range(kernel[0]):
        for z in range(kernel[1]):
            rows = slice(y, y + (height - 1) * strides[0] + 1, strides[0])
            columns = slice(z, z + (width - 1) * strides[1] + 1, strides[1])
            canvas[:, rows, columns] += spread[:, :, :, y, z]
    kept = canvas[:, before[0] : before[0] + out_h, before[1] : before[1] + out_w]
    return [_finish(context, kept, image=2, bias=3)]


def batch_matmul(context: Context) -> list[Array]:
    """BATCH_MATMUL of floats or 8-bit values."""
    a, b = (_centred(context, index) for index in (0, 1))
    if context.integer("adj_x"):
        a = a.swapaxes(-1, -2)
    if context.integer("adj_y"):
        b = b.swapaxes(-1, -2)
    product = a @ b
    if not context.quantized:
        return [product.astype(np.float32)]
    grid = context.result_grid()
    real = float(np.float64(context.grid(0).scale) * context.grid(1).scale / grid.scale)
    multiply = numerics.multiply_fixed_wide if grid.type == "INT16" else numerics.multiply_fixed
    return [grid.clamp(multiply(product.astype(np.int64), real) + grid.zero_point)]


def real_weights(tensor: Tensor, value: Array) -> Array:
    """Weights of float activations: float32 as they are, integers dequantized (weight-only)."""
    scheme = tensor.quantization
    if value.dtype.kind == "f" or scheme is None:
        return value.astype(np.float32)
    along = [1] * value.ndim
    along[scheme.axis] = -1
    steps = (value - scheme.zero_point.reshape(along)).astype(np.float32)
    return np.asarray(steps * scheme.scale.reshape(along))


def _operands(context: Context, image: int = 0) -> tuple[Array, Array]:
    """Image and weights, zero points taken off; float64 where the sums must be exact.

    float64 holds every sum of products below 2^53, which no layer reaches, and multiplies in BLAS.
    """
    if not context.quantized:
        return context.value(image), real_weights(context.tensor(1), context.value(1))
    tensor = context.tensor(1)
    quantization = tensor.quantization or Quantization(
        np.ones(1, np.float32), np.zeros(1, np.int64)
    )
    zero = quantization.zero_point
    if zero.size > 1:
        shape = [1] * len(tensor.shape)
        shape[quantization.axis] = -1
        zero = zero.reshape(shape)
    return _centred(context, image), context.value(1).astype(np.float64) - zero


def _centred(context: Context, index: int) -> Array:
    """A value without its zero point, as float64; floats as they are."""
    if not context.quantized:
        return context.value(index)
    return context.value(index).astype(np.float64) - context.grid(index).zero_point


def _finish(context: Context, sums: Array, image: int = 0, bias: int = 2) -> Array:
    """Bias, requantization and activation of sums with channels last."""
    total = sums + context.value(bias) if context.has(bias) else sums
    if not context.quantized:
        return context.activated(total).astype(np.float32)
    quantization = context.tensor(1).quantization
    if quantization is None:
        raise UnsupportedError("weights without scales")
    grid = context.result_grid()
    scales = numerics.output_scales(context.grid(image).scale, quantization.scale, grid.scale)
    if grid.type == "INT16":
        return _finish_wide(context, total, scales, image)
    return numerics.requantize(total, scales, grid)


def _finish_wide(context: Context, total: Array, scales: Array, image: int) -> Array:
    """16-bit activations: 64-bit sums and a 16-bit multiplier (docs/NUMERICS.md)."""
    grid, quantization = context.result_grid(), context.tensor(1).quantization
    if quantization is None:
        raise UnsupportedError("weights without scales")
    real = (
        np.float64(context.grid(image).scale)
        * quantization.scale.astype(np.float64)
        / np.float64(grid.scale)
    )
    channels = np.broadcast_to(real, (total.shape[-1],))
    columns = [
        numerics.multiply_fixed_wide(total[..., c].astype(np.int64), float(channels[c]))
        for c in range(total.shape[-1])
    ]
    return grid.clamp(np.stack(columns, axis=-1) + grid.zero_point)


OPERATORS = {
    "CONV_2D": conv,
    "DEPTHWISE_CONV_2D": depthwise_conv,
    "FULLY_CONNECTED": fully_connected,
    "TRANSPOSE_CONV": transpose_conv,
    "BATCH_MATMUL": batch_matmul,
}
