"""The largest weight that each channel keeps: all, or where the squared error is least."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FRACTIONS = np.linspace(1.0, 0.5, 26)


def channel_limits(
    weight: NDArray[np.generic], axis: int, method: str, per_channel: bool = True
) -> NDArray[np.float64]:
    """Largest magnitude to store.

    Args:
        weight: float array of any shape.
        axis: dimension of the output channels.
        method: "minmax" or "mse".
        per_channel: one limit for each channel, else one for the tensor.

    Returns:
        float64 [C], or [] per tensor.
    """
    rows = np.moveaxis(np.asarray(weight, np.float64), axis, 0).reshape(weight.shape[axis], -1)
    if not per_channel:
        rows = rows.reshape(1, -1)
    limits = np.abs(rows).max(axis=1)
    if method == "mse":
        limits = _least_squares(rows, limits)
    return np.asarray(limits if per_channel else limits.reshape(()))


def _least_squares(rows: NDArray[np.float64], limits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Exhaustive search over clipping fractions, channel by channel.

    Args:
        rows: float64 [C, K].
        limits: float64 [C], largest magnitude of each row.
    """
    best, least = limits.copy(), np.full(limits.shape, np.inf)
    for fraction in FRACTIONS:
        tried = limits * fraction
        step = np.maximum(tried, np.finfo(np.float64).tiny)[:, None] / 127
        rounded = np.clip(np.rint(rows / step), -127, 127) * step
        error = ((rows - rounded) ** 2).sum(axis=1)
        better = error < least
        best[better], least[better] = tried[better], error[better]
    return best
