"""The real numbers that a quantized tensor can hold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgesdk_quant.tflite.model import Tensor
from edgesdk_runtimes.base import Array

INTEGER_RANGE = {"INT8": (-128, 127), "UINT8": (0, 255), "INT16": (-32768, 32767)}


@dataclass(frozen=True)
class Grid:
    """Evenly spaced real numbers.

    Attributes:
        scale: the step.
        zero_point: the integer that means 0.
        low: the smallest real number.
        high: the largest real number.
    """

    scale: float
    zero_point: int
    low: float
    high: float

    def real(self, integers: Array) -> Array:
        """What integers mean, float32 of the same shape."""
        exact = (integers.astype(np.float64) - self.zero_point) * self.scale
        return exact.astype(np.float32)


def grid_of(tensor: Tensor) -> Grid | None:
    """The grid of a tensor that is quantized as a whole, None for any other."""
    scheme = tensor.quantization
    if scheme is None or len(scheme.scale) != 1 or tensor.type not in INTEGER_RANGE:
        return None
    low, high = INTEGER_RANGE[tensor.type]
    scale, zero = float(scheme.scale[0]), int(scheme.zero_point[0])
    return Grid(scale, zero, scale * (low - zero), scale * (high - zero))
