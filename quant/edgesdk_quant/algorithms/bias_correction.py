"""Bias correction: take the mean output error of rounded weights back out of the bias.

Nagel et al. 2019, "Data-free quantization through weight equalization and bias correction",
section 4.2: E[y~] - E[y] = (W~ - W) E[x] for each output channel; E[x] comes from calibration.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def output_shift(
    op: str,
    weight: NDArray[np.float64],
    rounded: NDArray[np.float64],
    axis: int,
    mean: NDArray[np.float64],
) -> NDArray[np.float64]:
    """What to add to the bias.

    Args:
        op: ONNX operator type.
        weight: float64, the trained weights.
        rounded: float64, what the stored weights stand for; the shape of `weight`.
        axis: dimension of the output channels.
        mean: float64 [C_in], mean of each input channel.

    Returns:
        float64 [C_out].
    """
    error = rounded - weight
    if op != "Conv":
        rows = np.moveaxis(error, axis, 0)
        return np.asarray(-(rows @ mean))
    taps = error.reshape(error.shape[0], error.shape[1], -1).sum(axis=2)  # [C_out, C_in / groups]
    groups = mean.size // taps.shape[1]
    inputs = mean.reshape(groups, taps.shape[1])
    own = np.repeat(inputs, taps.shape[0] // groups, axis=0)
    return np.asarray(-(taps * own).sum(axis=1))
