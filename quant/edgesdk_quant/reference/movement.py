"""Operators that move values."""

from __future__ import annotations

import numpy as np

from edgesdk_quant import numerics
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
    return numerics.rescale(x, grid, out)


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
        fill = context.value(2).ravel()[0]
    else:
        fill = context.grid(0).zero_point if context.quantized else 0
    return [np.pad(x, amounts, constant_values=fill)]


def gather(context: Context) -> list[Array]:
    """GATHER without batch dimensions."""
    if context.integer("batch_dims"):
        raise UnsupportedError("GATHER with batch dimensions")
    return [np.take(context.value(0), context.value(1), axis=context.integer("axis"))]


def strided_slice(context: Context) -> list[Array]:
    """STRIDED_SLICE with begin, end and shrink masks."""
    if context.integer("ellipsis_mask") or context.integer("new_axis_mask"):
        raise UnsupportedError("STRIDED_SLICE with ellipsis or new axes")
    x = context.value(0)
    begin, end, step = (context.value(i) for i in (1, 2, 3))
    masks = [context.integer(f"{name}_mask") for name in ("begin", "end", "shrink_axis")]
    index: list[int | slice] = []
    for i in range(len(begin)):
        first = None if masks[0] >> i & 1 else int(begin[i])
        last = None if masks[1] >> i & 1 else int(end[i])
        shrink = masks[2] >> i & 1
        index.append(int(begin[i]) if shrink else slice(first, last, int(step[i])))
    return [x[tuple(index)]]


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


def shape(context: Context) -> list[Array]:
    """SHAPE."""
    dtype = np.int64 if context.text("out_type") == "INT64" else np.int32
    return [np.array(context.value(0).shape, dtype)]


def fill(context: Context) -> list[Array]:
    """FILL."""
    return [np.full([int(n) for n in context.value(0)], context.value(1))]


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


def resize_nearest(context: Context) -> list[Array]:
    """RESIZE_NEAREST_NEIGHBOR."""
    x = context.value(0)
    rows, columns = (
        _nearest(context, size, int(wanted))
        for size, wanted in zip(x.shape[1:3], context.value(1), strict=True)
    )
    return [x[:, rows][:, :, columns]]


def _nearest(context: Context, size: int, wanted: int) -> Array:
    corners, half = context.integer("align_corners"), context.integer("half_pixel_centers")
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
        raise UnsupportedError("RESIZE_BILINEAR of 16-bit values")
    stored, wy, wx = x.astype(np.int64), _eleven_bits(fy), _eleven_bits(fx)
    top, bottom = (
        stored[:, row][:, :, x0] * 2048 + (stored[:, row][:, :, x1] - stored[:, row][:, :, x0]) * wx
        for row in (y0, y1)
    )
    return [((top * 2048 + (bottom - top) * wy + (1 << 21)) >> 22).astype(x.dtype)]


def _between(context: Context, size: int, wanted: int) -> tuple[Array, Array, Array]:
    """(position below, position above, fraction towards the one above) for each output."""
    corners, half = context.integer("align_corners"), context.integer("half_pixel_centers")
    at = np.arange(wanted, dtype=np.float32)
    step = _step(size, wanted, bool(corners))
    at = (at + np.float32(0.5)) * step - np.float32(0.5) if half else at * step
    at = np.maximum(at, np.float32(0))
    low = np.minimum(at.astype(np.int64), size - 1)
    return low, np.minimum(low + 1, size - 1), at - low.astype(np.float32)


def _eleven_bits(fraction: Array) -> Array:
    return np.rint(fraction * np.float32(2048)).astype(np.int64)


OPERATORS = {
    "BROADCAST_TO": broadcast_to,
    "CONCATENATION": concatenation,
    "DEPTH_TO_SPACE": depth_to_space,
    "EXPAND_DIMS": expand_dims,
    "FILL": fill,
    "GATHER": gather,
    "MIRROR_PAD": pad,
    "PACK": pack,
    "PAD": pad,
    "PADV2": pad,
    "RESHAPE": reshape,
    "RESIZE_BILINEAR": resize_bilinear,
    "RESIZE_NEAREST_NEIGHBOR": resize_nearest,
    "SHAPE": shape,
    "SLICE": slice_,
    "SPACE_TO_DEPTH": space_to_depth,
    "SPLIT": split,
    "SPLIT_V": split_v,
    "SQUEEZE": squeeze,
    "STRIDED_SLICE": strided_slice,
    "TILE": tile,
    "TRANSPOSE": transpose,
    "UNPACK": unpack,
}
