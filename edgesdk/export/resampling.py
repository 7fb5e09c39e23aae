"""ONNX Resize for one dimension as numbers: rows to pick, or a matrix of interpolation weights.

From the operator's definition in the ONNX standard (Resize-19) and, where it is silent, its
reference implementation: cubic by Keys 1981; antialiasing stretches the kernel when shrinking.
Where scale * size is no whole number, `align_corners` divides by scale * size - 1 as the standard's
own tests do; ONNX Runtime divides by the rounded size - 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from edgesdk_runtimes.base import Array


@dataclass(frozen=True)
class Sampling:
    """The attributes of a Resize that say how to sample; names as in the standard."""

    mode: str = "nearest"
    coordinates: str = "half_pixel"
    rounding: str = "round_prefer_floor"
    cubic: float = -0.75
    exclude_outside: bool = False
    antialias: bool = False
    extrapolation: float = 0.0


@dataclass(frozen=True)
class Axis:
    """One dimension.

    Attributes:
        before: its size in the operand.
        after: its size in the result.
        scale: after / before as the model gives it, which rounding of `after` may contradict.
        region: start and end of the cropped part, 0 to 1, for tf_crop_and_resize.
    """

    before: int
    after: int
    scale: float
    region: tuple[float, float] = (0.0, 1.0)

    @property
    def changes(self) -> bool:
        """Whether there is anything to do."""
        return self.before != self.after or self.scale != 1.0 or self.region != (0.0, 1.0)


def coordinates(axis: Axis, sampling: Sampling) -> Array:
    """Where each row of the result lies in the operand: float64 [after]."""
    x = np.arange(axis.after, dtype=np.float64)
    return _TRANSFORMATIONS[sampling.coordinates](x, axis)


def _align_corners(x: Array, axis: Axis) -> Array:
    length = axis.scale * axis.before
    return x * ((axis.before - 1) / (length - 1)) if length != 1 else np.zeros_like(x)


def _half_pixel_symmetric(x: Array, axis: Axis) -> Array:
    adjustment = axis.after / (axis.scale * axis.before)
    centre = axis.before / 2
    return centre * (1 - adjustment) + (x + 0.5) / axis.scale - 0.5


def _pytorch_half_pixel(x: Array, axis: Axis) -> Array:
    return (x + 0.5) / axis.scale - 0.5 if axis.scale * axis.before > 1 else np.full_like(x, -0.5)


def _crop_and_resize(x: Array, axis: Axis) -> Array:
    start, end = axis.region
    if axis.after == 1:
        return np.full_like(x, (start + end) * (axis.before - 1) / 2)
    step = (end - start) * (axis.before - 1) / (axis.after - 1)
    return start * (axis.before - 1) + x * step


_TRANSFORMATIONS: dict[str, Callable[[Array, Axis], Array]] = {
    "align_corners": _align_corners,
    "asymmetric": lambda x, axis: x / axis.scale,
    "half_pixel": lambda x, axis: (x + 0.5) / axis.scale - 0.5,
    "half_pixel_symmetric": _half_pixel_symmetric,
    "pytorch_half_pixel": _pytorch_half_pixel,
    "tf_crop_and_resize": _crop_and_resize,
}
_ROUNDINGS: dict[str, Callable[[Array], Array]] = {
    "ceil": np.ceil,
    "floor": np.floor,
    "round_prefer_ceil": lambda x: np.floor(x + 0.5),
    "round_prefer_floor": lambda x: np.ceil(x - 0.5),
}


def nearest_rows(axis: Axis, sampling: Sampling) -> Array:
    """Which row of the operand each row of the result is: int64 [after]."""
    if not axis.changes:
        return np.arange(axis.before)
    # float32, as runtimes compute it: 0.6 * 5 must round as it does there
    rows = _ROUNDINGS[sampling.rounding](coordinates(axis, sampling).astype(np.float32))
    return np.clip(rows, 0, axis.before - 1).astype(np.int64)


def weights(axis: Axis, sampling: Sampling) -> Array:
    """Interpolation weights, float64 [after, before]; rows outside of a crop are zero."""
    matrix = np.zeros((axis.after, axis.before))
    for row, x in enumerate(coordinates(axis, sampling)):
        if _is_outside(x, axis, sampling):
            continue
        columns, values = _taps(x, axis, sampling)
        np.add.at(matrix[row], columns, values)
    return matrix


def outside(axes: Sequence[Axis], sampling: Sampling) -> Array:
    """The extrapolation value where any coordinate leaves the operand, else 0: [after, ...]."""
    masks = [
        np.array([_is_outside(x, axis, sampling) for x in coordinates(axis, sampling)])
        for axis in axes
    ]
    grids = np.meshgrid(*masks, indexing="ij")
    return np.asarray(np.logical_or.reduce(grids) * sampling.extrapolation)


def _is_outside(x: float, axis: Axis, sampling: Sampling) -> bool:
    return sampling.coordinates == "tf_crop_and_resize" and not 0 <= x <= axis.before - 1


def _taps(x: float, axis: Axis, sampling: Sampling) -> tuple[Array, Array]:
    """Columns (repeated at the border) and their weights."""
    if sampling.mode == "nearest":
        row = _ROUNDINGS[sampling.rounding](np.array([x])).clip(0, axis.before - 1)
        return row.astype(np.int64), np.ones(1)
    stretch = min(axis.scale, 1.0) if sampling.antialias else 1.0
    reach = (2 if sampling.mode == "cubic" else 1) / stretch
    columns = np.arange(math.floor(x - reach) + 1, math.ceil(x + reach))
    distances = np.abs(columns - x) * stretch
    values = _linear(distances) if sampling.mode == "linear" else _cubic(distances, sampling.cubic)
    inside = (columns >= 0) & (columns < axis.before)
    if sampling.exclude_outside:
        values = values * inside
    if sampling.exclude_outside or sampling.antialias:
        values = values / values.sum()
    return columns.clip(0, axis.before - 1), values


def _linear(distance: Array) -> Array:
    return np.asarray(np.maximum(1 - distance, 0))


def _cubic(distance: Array, a: float) -> Array:
    """Keys' kernel (equation 4 of his paper, with a free)."""
    near = ((a + 2) * distance - (a + 3)) * distance**2 + 1
    far = ((a * distance - 5 * a) * distance + 8 * a) * distance - 4 * a
    return np.asarray(np.where(distance <= 1, near, np.where(distance < 2, far, 0.0)))
