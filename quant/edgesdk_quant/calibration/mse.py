"""Range by least squared error: clipping rare extremes buys finer steps for all other values.

Method: Choukroun et al., "Low-bit Quantization of Neural Networks for Efficient Inference" (2019),
section 3.1, equation 4, solved on the histogram by trying ranges.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgesdk_quant.calibration.candidates import FRACTIONS
from edgesdk_quant.calibration.histogram import Histogram
from edgesdk_quant.scheme import ACTIVATIONS

ROUNDS = 2


def find_range(histogram: Histogram, bits: int) -> tuple[float, float]:
    """The range whose rounding and clipping together make the least squared error.

    The upper and the lower end are moved in turns, each over the fractions of its extreme.
    """
    used = histogram.counts > 0
    centers, counts = histogram.centers()[used], histogram.counts[used].astype(np.float64)
    floor, ceiling = min(histogram.low, 0.0), max(histogram.high, 0.0)
    low, high = floor, ceiling
    for _ in range(ROUNDS if floor < 0 < ceiling else 1):
        highs = ceiling * FRACTIONS if ceiling > 0 else np.zeros(1)
        high = float(
            highs[_errors(centers, counts, np.full_like(highs, low), highs, bits).argmin()]
        )
        lows = floor * FRACTIONS if floor < 0 else np.zeros(1)
        low = float(lows[_errors(centers, counts, lows, np.full_like(lows, high), bits).argmin()])
    return low, high


def _errors(
    centers: NDArray[np.float64],
    counts: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    bits: int,
) -> NDArray[np.float64]:
    """Summed squared error of each of n ranges: float64 [n]."""
    scheme = ACTIVATIONS[bits]
    if scheme.symmetric:
        high = np.maximum(-low, high)
        low = -high
    levels = scheme.high - scheme.low
    scale = (np.maximum((high - low) / levels, np.finfo(np.float64).tiny))[:, None]
    zero = np.rint(-low[:, None] / scale)
    stored = np.clip(np.rint(centers / scale) + zero, 0, levels)
    return np.asarray(((stored - zero) * scale - centers) ** 2 @ counts)
