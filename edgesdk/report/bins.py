"""Histograms small enough for a page: a few dozen bins of real numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgesdk_quant.calibration import Histogram

MOST_BINS = 64


@dataclass(frozen=True)
class Bins:
    """Counts of values in bins of equal width.

    Attributes:
        low: lower edge of the first bin.
        high: upper edge of the last bin.
        counts: how many values each bin holds.
    """

    low: float
    high: float
    counts: tuple[int, ...]


def bins_of_array(values: NDArray[np.float32]) -> Bins | None:
    """Histogram of an array of any shape; None where it is empty or not finite."""
    if values.size == 0:
        return None
    low, high = float(values.min()), float(values.max())
    if not np.isfinite(low) or not np.isfinite(high):
        return None
    if low == high:
        return Bins(low, high, (int(values.size),))
    counts, _ = np.histogram(values, bins=MOST_BINS, range=(low, high))
    return Bins(low, high, tuple(int(n) for n in counts))


def bins_of_histogram(histogram: Histogram) -> Bins | None:
    """A calibration histogram with neighbouring bins added up; None where it is empty."""
    filled = np.flatnonzero(histogram.counts)
    if filled.size == 0 or histogram.exponent is None:
        return None
    first, last = int(filled[0]), int(filled[-1]) + 1
    width = -(-(last - first) // MOST_BINS)
    kept = histogram.counts[first:last]
    sums = np.add.reduceat(kept, np.arange(0, len(kept), width))
    step = 2.0**histogram.exponent
    low = (histogram.start + first) * step
    return Bins(low, low + width * len(sums) * step, tuple(int(n) for n in sums))
