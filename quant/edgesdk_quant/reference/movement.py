"""Operators that move elements and compute nothing: shapes, order, joining and parting."""

from __future__ import annotations

import numpy as np

from edgesdk_quant import numerics
from edgesdk_quant.reference.call import Call, Kernel
from edgesdk_quant.tflite.constants import DTYPES
from edgesdk_runtimes.base import Array


def reshape(call: Call) -> Array:
    """RESHAPE: the shape is an input, else an option, else that of the output."""
    if call.has(1):
        return call.value(0).reshape(call.integers(1))
    shape = call.operator.options.get("new_shape") or call.outputs[0].shape
    return call.value(0).reshape(shape if isinstance(shape, tuple) else -1)


def squeeze(call: Call) -> Array:
    """SQUEEZE: take dimensions of size 1 away, all of them when none is named."""
    x, named = call.value(0), call.operator.options.get("squeeze_dims")
    if not isinstance(named, tuple) or not named:
        return x.squeeze()
    return x.squeeze(axis=tuple(int(axis) for axis in named))


def expand_dims(call: Call) -> Array:
    """EXPAND_DIMS."""
    return np.expand_dims(call.value(0), call.integers(1)[0])


def transpose(call: Call) -> Array:
    """TRANSPOSE."""
    return call.value(0).transpose(call.integers(1))


def concatenation(call: Call) -> Array:
    """CONCATENATION: 8-bit inputs of another grid are brought to the output's first."""
    parts = [_on_output_grid(call, i) for i in range(len(call.values))]
    joined = np.concatenate(parts, axis=call.number("axis"))
    return joined if call.quantized else call.activate(joined)


def _on_output_grid(call: Call, index: int) -> Array:
    value = call.value(index)
    if not call.quantized:
        return value
    grid, out = call.grid(index), call.out()
    if grid.scale == out.scale and grid.zero_point == out.zero_point:
        return out.clamp(value)
    return numerics.rescale_in_float(value, grid, out)


def pack(call: Call) -> Array:
    """PACK: join along a new dimension."""
    return np.stack([call.value(i) for i in range(len(call.values))], axis=call.number("axis"))


def unpack(call: Call) -> tuple[Array, ...]:
    """UNPACK: part along a dimension, which goes away."""
    return tuple(np.moveaxis(call.value(0), call.number("axis"), 0))


def split(call: Call) -> tuple[Array, ...]:
    """SPLIT: the dimension is input 0."""
    return tuple(np.split(call.value(1), call.number("num_splits"), axis=call.integers(0)[0]))


def split_v(call: Call) -> tuple[Array, ...]:
    """SPLIT_V: sizes are input 1, one of which may be -1 for the rest; the dimension is input 2."""
    x, sizes, axis = call.value(0), call.integers(1), call.integers(2)[0]
    rest = x.shape[axis] - sum(size for size in sizes if size >= 0)
    ends = np.cumsum([rest if size < 0 else size for size in sizes])
    return tuple(np.split(x, ends[:-1], axis=axis))


def _fill(call: Call) -> int | float:
    """What PAD writes: real zero."""
    return call.grid(0).zero_point if call.quantized else 0


def pad(call: Call) -> Array:
    """PAD and PADV2 (which names the value)."""
    value = call.value(2).item() if call.has(2) else _fill(call)
    return np.pad(call.value(0), call.value(1).astype(np.int64).tolist(), constant_values=value)


def mirror_pad(call: Call) -> Array:
    """MIRROR_PAD: REFLECT leaves the border element out, SYMMETRIC repeats it."""
    widths = call.value(1).astype(np.int64).tolist()
    if call.option("mode") == "REFLECT":
        return np.pad(call.value(0), widths, mode="reflect")
    return np.pad(call.value(0), widths, mode="symmetric")


def slice_(call: Call) -> Array:
    """SLICE: size -1 takes the rest."""
    x, begin, size = call.value(0), call.integers(1), call.integers(2)
    ends = [x.shape[d] if n < 0 else b + n for d, (b, n) in enumerate(zip(begin, size, strict=True))]
    return x[tuple(slice(b, e) for b, e in zip(begin, ends, strict=True))]


def strided_slice(call: Call) -> Array:
    """STRIDED_SLICE with all masks of the schema."""
    entries = list(zip(call.integers(1), call.integers(2), call.integers(3), strict=True))
    return call.value(0)[tuple(_entry(call, i, *entry) for i, entry in enumerate(entries))]


def _entry(call: Call, i: int, begin: int, end: int, stride: int) -> slice | int | None | type(...):
    def masked(name: str) -> bool:
        return bool(call.number(name) >> i & 1)

    if masked("ellipsis_mask"):
        return ...
    if masked("new_axis_mask"):
        return None
    if masked("shrink_axis_mask"):
        return begin
    if call.number("offset"):
        end = begin + end
    return slice(
        None if masked("begin_mask") else begin, None if masked("end_mask") else end, stride
    )


def tile(call: Call) -> Array:
    """TILE."""
    return np.tile(call.value(0), call.integers(1))


def broadcast_to(call: Call) -> Array:
    """BROADCAST_TO."""
    return np.array(np.broadcast_to(call.value(0), call.integers(1)))


def reverse(call: Call) -> Array:
    """REVERSE_V2."""
    return np.flip(call.value(0), call.integers(1))


def depth_to_space(call: Call) -> Array:
    """DEPTH_TO_SPACE: [N, H, W, b * b * C] -> [N, H * b, W * b, C]."""
    x, block = call.value(0), call.number("block_size")
    n, h, w, c = x.shape
    parts = x.reshape(n, h, w, block, block, c // block**2).transpose(0, 1, 3, 2, 4, 5)
    return parts.reshape(n, h * block, w * block, c // block**2)


def space_to_depth(call: Call) -> Array:
    """SPACE_TO_DEPTH: [N, H * b, W * b, C] -> [N, H, W, b * b * C]."""
    x, block = call.value(0), call.number("block_size")
    n, h, w, c = x.shape
    parts = x.reshape(n, h // block, block, w // block, block, c).transpose(0, 1, 3, 2, 4, 5)
    return parts.reshape(n, h // block, w // block, block**2 * c)


def space_to_batch(call: Call) -> Array:
    """SPACE_TO_BATCH_ND: [N, ...] -> [prod(block) * N, ... / block, ...]."""
    x, blocks = call.value(0), call.integers(1)
    widths = [(0, 0), *call.value(2).tolist()]
    widths += [(0, 0)] * (x.ndim - len(widths))
    x = np.pad(x, widths, constant_values=_fill(call))
    m = len(blocks)
    split = [x.shape[0]]
    for size, block in zip(x.shape[1:], blocks, strict=False):
        split += [size // block, block]
    parts = x.reshape(*split, *x.shape[m + 1 :])
    order = [2 * i + 2 for i in range(m)] + [0] + [2 * i + 1 for i in range(m)]
    parts = parts.transpose(*order, *range(2 * m + 1, parts.ndim))
    return parts.reshape(-1, *parts.shape[m + 1 :])


def batch_to_space(call: Call) -> Array:
    """BATCH_TO_SPACE_ND: the inverse of SPACE_TO_BATCH_ND, then crops."""
    x, blocks = call.value(0), call.integers(1)
    m = len(blocks)
    parts = x.reshape(*blocks, -1, *x.shape[1:])
    order = [m] + [axis for i in range(m) for axis in (m + 1 + i, i)]
    parts = parts.transpose(*order, *range(2 * m + 1, parts.ndim))
    sizes = [size * block for size, block in zip(x.shape[1:], blocks, strict=False)]
    whole = parts.reshape(-1, *sizes, *x.shape[m + 1 :])
    crops = [(int(a), int(b)) for a, b in call.value(2).tolist()]
    inside = (slice(a, n - b) for (a, b), n in zip(crops, sizes, strict=True))
    return whole[(slice(None), *inside)]


def shape(call: Call) -> Array:
    """SHAPE."""
    return np.array(call.value(0).shape, DTYPES[call.outputs[0].type])


def rank(call: Call) -> Array:
    """RANK."""
    return np.array(call.value(0).ndim, np.int32)


def fill(call: Call) -> Array:
    """FILL: the shape is input 0, the value input 1."""
    return np.full(call.integers(0), call.value(1).item(), call.value(1).dtype)


def zeros_like(call: Call) -> Array:
    """ZEROS_LIKE."""
    return np.zeros_like(call.value(0))


def range_(call: Call) -> Array:
    """RANGE: start, limit, delta."""
    start, limit, delta = (call.value(i).item() for i in range(3))
    return np.arange(start, limit, delta, dtype=call.value(0).dtype)


KERNELS: dict[str, Kernel] = {
    "RESHAPE": reshape,
    "SQUEEZE": squeeze,
    "EXPAND_DIMS": expand_dims,
    "TRANSPOSE": transpose,
    "CONCATENATION": concatenation,
    "PACK": pack,
    "UNPACK": unpack,
    "SPLIT": split,
    "SPLIT_V": split_v,
    "PAD": pad,
    "PADV2": pad,
    "MIRROR_PAD": mirror_pad,
    "SLICE": slice_,
    "STRIDED_SLICE": strided_slice,
    "TILE": tile,
    "BROADCAST_TO": broadcast_to,
    "REVERSE_V2": reverse,
    "DEPTH_TO_SPACE": depth_to_space,
    "SPACE_TO_DEPTH": space_to_depth,
    "SPACE_TO_BATCH_ND": space_to_batch,
    "BATCH_TO_SPACE_ND": batch_to_space,
    "SHAPE": shape,
    "RANK": rank,
    "FILL": fill,
    "ZEROS_LIKE": zeros_like,
    "RANGE": range_,
}
