"""RESIZE_NEAREST_NEIGHBOR and RESIZE_BILINEAR over NHWC."""

from __future__ import annotations

import numpy as np

from edgesdk_quant.reference.call import Call, Kernel
from edgesdk_runtimes.base import Array

f32 = np.float32


def _step(call: Call, source: int, target: int) -> np.float32:
    """Input elements per output element."""
    if call.number("align_corners") and target > 1:
        return f32(source - 1) / f32(target - 1)
    return f32(source) / f32(target)


def nearest(call: Call) -> Array:
    """RESIZE_NEAREST_NEIGHBOR: x [N, H, W, C], size [2]."""
    x, (height, width) = call.value(0), call.integers(1)
    rows, columns = (_nearest(call, s, t) for s, t in zip(x.shape[1:3], (height, width), strict=True))
    return x[:, rows][:, :, columns]


def _nearest(call: Call, source: int, target: int) -> Array:
    offset = f32(0.5) if call.number("half_pixel_centers") else f32(0)
    position = (np.arange(target, dtype=f32) + offset) * _step(call, source, target)
    index = np.floor(position + f32(0.5)) if call.number("align_corners") else np.floor(position)
    return np.clip(index.astype(np.int64), 0, source - 1)


def bilinear(call: Call) -> Array:
    """RESIZE_BILINEAR: x [N, H, W, C], size [2]."""
    x, (height, width) = call.value(0), call.integers(1)
    top, bottom, down = _between(call, x.shape[1], height)
    left, right, across = _between(call, x.shape[2], width)
    down, across = down.reshape(-1, 1, 1), across.reshape(-1, 1)
    real = x.astype(f32)
    upper = _mix(real[:, top][:, :, left], real[:, top][:, :, right], across)
    lower = _mix(real[:, bottom][:, :, left], real[:, bottom][:, :, right], across)
    mixed = _mix(upper, lower, down)
    return mixed.astype(x.dtype) if x.dtype.kind == "f" else np.rint(mixed).astype(x.dtype)


def _mix(a: Array, b: Array, weight: Array) -> Array:
    return np.asarray(a + (b - a) * weight)


def _between(call: Call, source: int, target: int) -> tuple[Array, Array, Array]:
    """Lower neighbour, upper neighbour and the upper one's share, each [target]."""
    step, index = _step(call, source, target), np.arange(target, dtype=f32)
    centred = bool(call.number("half_pixel_centers"))
    position = (index + f32(0.5)) * step - f32(0.5) if centred else index * step
    low = np.floor(position)
    first = np.clip(low.astype(np.int64), 0, source - 1)
    second = np.clip(np.ceil(position).astype(np.int64), 0, source - 1)
    return first, second, position - low


KERNELS: dict[str, Kernel] = {
    "RESIZE_NEAREST_NEIGHBOR": nearest,
    "RESIZE_BILINEAR": bilinear,
}
