"""Operators that move values."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgesdk_quant import fixed16, numerics, numerics16
from edgesdk_quant.reference.context import Context, grid_of
from edgesdk_runtimes.base import Array
from edgesdk_runtimes.errors import UnsupportedError


def reshape(context: Context) -> list[Array]:
    """RESHAPE: input 1 wins over the shape that the file declares."""
    shape = context.numbers(1) if context.has(1) else context.result().shape
    return [context.value(0).reshape(shape)]


def squeeze(context: Context) -> list[Array]:
    """SQUEEZE: all dimensions of size 1 when none is named."""
    named = context.operator.options.get("squeeze_dims")
    axes = tuple(int(axis) for axis in named) if isinstance(named, tuple) and named else None
    return [np.squeeze(context.value(0), axis=axes)]


def expand_dims(context: Context) -> list[Array]:
    """EXPAND_DIMS."""
    return [np.expand_dims(context.value(0), context.numbers(1)[0])]


def transpose(context: Context) -> list[Array]:
    """TRANSPOSE."""
    return [context.value(0).transpose([int(d) for d in context.value(1)])]


def concatenation(context: Context) -> list[Array]:
    """CONCATENATION; inputs of another scale are requantized first."""
    axis = context.integer("axis")
    parts = [_on_grid(context, i) for i in range(len(context.operator.inputs))]
    joined = np.concatenate(parts, axis=axis)
    return [joined if context.quantized else context.activated(joined)]


def _on_grid(context: Context, index: int) -> Array:
    x = context.value(index)
    if not context.quantized:
        return x
    grid, out = context.grid(index), grid_of(context.result())
    if (grid.scale, grid.zero_point) == (out.scale, out.zero_point):
        return x
    if out.type == "INT16":
        raise UnsupportedError("CONCATENATION of 16-bit values of different scales")
    return numerics.regrid(x, grid, out)


def pad(context: Context) -> list[Array]:
    """PAD with real zero, PADV2 with a value, MIRROR_PAD."""
    x = context.value(0)
    amounts = [(int(before), int(after)) for before, after in context.value(1)]
    code = context.operator.code
    if code == "MIRROR_PAD":
        return [
            np.pad(x, amounts, mode="reflect" if context.text("mode") == "REFLECT" else "symmetric")
        ]
    if code == "PADV2":
        fill = int(context.value(2).item()) if context.quantized else context.value(2).item()
    else:
        fill = context.grid(0).zero_point if context.quantized else 0
    return [np.pad(x, amounts, constant_values=fill)]


def strided_slice(context: Context) -> list[Array]:
    """STRIDED_SLICE with all masks."""
    entries = zip(context.numbers(1), context.numbers(2), context.numbers(3), strict=True)
    return [context.value(0)[tuple(_entry(context, i, *e) for i, e in enumerate(entries))]]


def _entry(context: Context, i: int, begin: int, end: int, step: int) -> Any:
    """What entry i of a STRIDED_SLICE means as a numpy index."""
    if context.integer("ellipsis_mask") >> i & 1:
        return ...
    if context.integer("new_axis_mask") >> i & 1:
        return None
    if context.integer("shrink_axis_mask") >> i & 1:
        return begin
    if context.integer("offset"):
        end = begin + end
    first = None if context.integer("begin_mask") >> i & 1 else begin
    last = None if context.integer("end_mask") >> i & 1 else end
    return slice(first, last, step)


def slice_(context: Context) -> list[Array]:
    """SLICE."""
    begin, size = context.value(1), context.value(2)
    index = tuple(
        slice(int(b), None if s < 0 else int(b + s)) for b, s in zip(begin, size, strict=True)
    )
    return [context.value(0)[index]]


def split(context: Context) -> list[Array]:
    """SPLIT."""
    return list(
        np.split(context.value(1), len(context.operator.outputs), axis=int(context.value(0)))
    )


def split_v(context: Context) -> list[Array]:
    """SPLIT_V."""
    sizes = [context.result(i).shape for i in range(len(context.operator.outputs))]
    axis = int(context.value(2))
    cuts = np.cumsum([shape[axis] for shape in sizes])[:-1]
    return list(np.split(context.value(0), cuts, axis=axis))


def pack(context: Context) -> list[Array]:
    """PACK."""
    values = [context.value(i) for i in range(len(context.operator.inputs))]
    return [np.stack(values, axis=context.integer("axis"))]


def unpack(context: Context) -> list[Array]:
    """UNPACK."""
    axis = context.integer("axis")
    parts = np.split(context.value(0), len(context.operator.outputs), axis=axis)
    return [part.squeeze(axis) for part in parts]


def tile(context: Context) -> list[Array]:
    """TILE."""
    return [np.tile(context.value(0), [int(n) for n in context.value(1)])]


def broadcast_to(context: Context) -> list[Array]:
    """BROADCAST_TO."""
    return [np.broadcast_to(context.value(0), [int(n) for n in context.value(1)])]


def depth_to_space(context: Context) -> list[Array]:
    """DEPTH_TO_SPACE."""
    x, b = context.value(0), context.integer("block_size")
    n, h, w, c = x.shape
    blocks = x.reshape(n, h, w, b, b, c // (b * b)).transpose(0, 1, 3, 2, 4, 5)
    return [blocks.reshape(n, h * b, w * b, -1)]


def space_to_depth(context: Context) -> list[Array]:
    """SPACE_TO_DEPTH."""
    x, b = context.value(0), context.integer("block_size")
    n, h, w, c = x.shape
    blocks = x.reshape(n, h // b, b, w // b, b, c).transpose(0, 1, 3, 2, 4, 5)
    return [blocks.reshape(n, h // b, w // b, -1)]


def space_to_batch(context: Context) -> list[Array]:
    """SPACE_TO_BATCH_ND: [N, B1 * b1, ...] -> [b1 * ... * N, B1, ...]."""
    x, blocks = context.value(0), context.numbers(1)
    amounts = [(0, 0), *((int(a), int(b)) for a, b in context.value(2))]
    amounts += [(0, 0)] * (x.ndim - len(amounts))
    x = np.pad(x, amounts, constant_values=context.grid(0).zero_point if context.quantized else 0)
    count = len(blocks)
    sizes = [n for size, b in zip(x.shape[1:], blocks, strict=False) for n in (size // b, b)]
    parts = x.reshape(x.shape[0], *sizes, *x.shape[count + 1 :])
    inner = [2 * i + 2 for i in range(count)]
    outer = [2 * i + 1 for i in range(count)]
    parts = parts.transpose(*inner, 0, *outer, *range(2 * count + 1, parts.ndim))
    return [parts.reshape(-1, *parts.shape[count + 1 :])]


def batch_to_space(context: Context) -> list[Array]:
    """BATCH_TO_SPACE_ND: the inverse, then crops."""
    x, blocks = context.value(0), context.numbers(1)
    count = len(blocks)
    parts = x.reshape(*blocks, -1, *x.shape[1:])
    spread = [axis for i in range(count) for axis in (count + 1 + i, i)]
    parts = parts.transpose(count, *spread, *range(2 * count + 1, parts.ndim))
    sizes = [size * b for size, b in zip(x.shape[1:], blocks, strict=False)]
    whole = parts.reshape(-1, *sizes, *x.shape[count + 1 :])
    crops = context.value(2).tolist()
    inside = [slice(a, size - b) for (a, b), size in zip(crops, sizes, strict=True)]
    return [whole[(slice(None), *inside)]]


def reverse(context: Context) -> list[Array]:
    """REVERSE_V2."""
    return [np.flip(context.value(0), tuple(context.numbers(1)))]


def resize_nearest(context: Context) -> list[Array]:
    """RESIZE_NEAREST_NEIGHBOR."""
    x = context.value(0)
    rows, columns = (
        _nearest(context, size, int(wanted))
        for size, wanted in zip(x.shape[1:3], context.value(1), strict=True)
    )
    return [x[:, rows][:, :, columns]]


def _nearest(context: Context, size: int, wanted: int) -> Array:
    corners, half = (context.integer("align_corners"), context.integer("half_pixel_centers"))
    step = _step(size, wanted, bool(corners))
    at = (np.arange(wanted, dtype=np.float32) + np.float32(0.5 if half else 0)) * step
    index = np.floor(at + np.float32(0.5)) if corners else np.floor(at)
    return np.asarray(np.clip(index.astype(np.int64), 0, size - 1))


def _step(size: int, wanted: int, corners: bool) -> np.float32:
    if corners and wanted > 1:
        return np.float32(np.float32(size - 1) / np.float32(wanted - 1))
    return np.float32(np.float32(size) / np.float32(wanted))


def resize_bilinear(context: Context) -> list[Array]:
    """RESIZE_BILINEAR; 8-bit values are mixed with weights of 11 bits (docs/NUMERICS.md)."""
    x = context.value(0)
    (y0, y1, fy), (x0, x1, fx) = (
        _between(context, size, int(wanted))
        for size, wanted in zip(x.shape[1:3], context.value(1), strict=True)
    )
    fy, fx = fy[:, None, None], fx[:, None]
    if not context.quantized:
        rows = x[:, y0] + (x[:, y1] - x[:, y0]) * fy
        return [(rows[:, :, x0] + (rows[:, :, x1] - rows[:, :, x0]) * fx).astype(np.float32)]
    if context.result().type == "INT16":
        return [_bilinear_16(context, x)]
    stored, wy, wx = x.astype(np.int64), _eleven_bits(fy), _eleven_bits(fx)
    top, bottom = (
        stored[:, row][:, :, x0] * 2048 + (stored[:, row][:, :, x1] - stored[:, row][:, :, x0]) * wx
        for row in (y0, y1)
    )
    return [((top * 2048 + (bottom - top) * wy + (1 << 21)) >> 22).astype(x.dtype)]


def _bilinear_16(context: Context, x: Array) -> Array:
    corners, half = (bool(context.integer(n)) for n in ("align_corners", "half_pixel_centers"))
    (y0, y1, wy), (x0, x1, wx) = (
        numerics16.resize_line(size, int(wanted), corners, half)
        for size, wanted in zip(x.shape[1:3], context.value(1), strict=True)
    )
    stored = x.astype(np.int64)
    top, bottom = (
        stored[:, row][:, :, x0] * (1024 - wx[:, None]) + stored[:, row][:, :, x1] * wx[:, None]
        for row in (y0, y1)
    )
    total = top * (1024 - wy[:, None, None]) + bottom * wy[:, None, None]
    mixed: Array = fixed16.round_shift(total, 20).astype(x.dtype)
    return mixed


def _between(context: Context, size: int, wanted: int) -> tuple[Array, Array, Array]:
    """(position below, position above, fraction towards the one above) for each output."""
    corners, half = (context.integer("align_corners"), context.integer("half_pixel_centers"))
    at = np.arange(wanted, dtype=np.float32)
    step = _step(size, wanted, bool(corners))
    at = (at + np.float32(0.5)) * step - np.float32(0.5) if half else at * step
    at = np.maximum(at, np.float32(0))
    low = np.minimum(at.astype(np.int64), size - 1)
    return low, np.minimum(low + 1, size - 1), at - low.astype(np.float32)


def _eleven_bits(fraction: Array) -> Array:
    return np.rint(fraction * np.float32(2048)).astype(np.int64)


OPERATORS = {
    "BATCH_TO_SPACE_ND": batch_to_space,
    "BROADCAST_TO": broadcast_to,
    "CONCATENATION": concatenation,
    "DEPTH_TO_SPACE": depth_to_space,
    "EXPAND_DIMS": expand_dims,
    "MIRROR_PAD": pad,
    "PACK": pack,
    "PAD": pad,
    "PADV2": pad,
    "RESHAPE": reshape,
    "RESIZE_BILINEAR": resize_bilinear,
    "RESIZE_NEAREST_NEIGHBOR": resize_nearest,
    "REVERSE_V2": reverse,
    "SLICE": slice_,
    "SPACE_TO_DEPTH": space_to_depth,
    "SPACE_TO_BATCH_ND": space_to_batch,
    "SPLIT": split,
    "SPLIT_V": split_v,
    "SQUEEZE": squeeze,
    "STRIDED_SLICE": strided_slice,
    "TILE": tile,
    "TRANSPOSE": transpose,
    "UNPACK": unpack,
}
