"""AVERAGE_POOL_2D, MAX_POOL_2D and L2_POOL_2D over NHWC."""

from __future__ import annotations

import functools

import numpy as np

from edgesdk_quant import numerics
from edgesdk_quant.reference.call import Call, Kernel
from edgesdk_quant.reference.windows import Window, window_of
from edgesdk_runtimes.base import Array


def _window(call: Call) -> Window:
    return window_of(call, (call.number("filter_height"), call.number("filter_width")))


def _sum(window: Window, x: Array) -> Array:
    return functools.reduce(np.add, window.taps(window.pad(x, 0)))


def _count(window: Window, x: Array) -> Array:
    """Elements inside the image, under each window: [1, OH, OW, 1] of x's dtype."""
    return _sum(window, np.ones((1, *x.shape[1:3], 1), x.dtype))


def average_pool_2d(call: Call) -> Array:
    """Mean of the elements inside the image; stored values are averaged, ties away from zero."""
    window, x = _window(call), call.value(0)
    if not call.quantized:
        return call.activate(_sum(window, x) / _count(window, x)).astype(x.dtype)
    wide = x.astype(np.int64)
    return call.out().clamp(numerics.average(_sum(window, wide), _count(window, wide)))


def max_pool_2d(call: Call) -> Array:
    """Largest element inside the image."""
    window, x = _window(call), call.value(0)
    lowest = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    largest = functools.reduce(np.maximum, window.taps(window.pad(x, lowest)))
    return call.out().clamp(largest) if call.quantized else call.activate(largest)


def l2_pool_2d(call: Call) -> Array:
    """Root of the mean square of the elements inside the image; float only."""
    window, x = _window(call), call.value(0)
    return np.asarray(call.activate(np.sqrt(_sum(window, x * x) / _count(window, x))))


KERNELS: dict[str, Kernel] = {
    "AVERAGE_POOL_2D": average_pool_2d,
    "MAX_POOL_2D": max_pool_2d,
    "L2_POOL_2D": l2_pool_2d,
}
