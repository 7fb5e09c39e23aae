"""Range by percentile: a given share of the values stays inside."""

from __future__ import annotations

import numpy as np

from edgesdk_quant.calibration.histogram import Histogram


def find_range(histogram: Histogram, percent: float) -> tuple[float, float]:
    """The narrowest bins that leave out at most half of the rest on either side.

    Args:
        histogram: what was seen.
        percent: share of the values inside, above 50 up to 100.
    """
    inside = np.cumsum(histogram.counts) / histogram.counts.sum()
    tail = (1 - percent / 100) / 2
    step = 2.0 ** (histogram.exponent or 0)
    first = int(np.searchsorted(inside, tail, side="right"))
    last = int(np.searchsorted(inside, 1 - tail, side="left"))
    last = min(last, inside.size - 1)
    low, high = (histogram.start + first) * step, (histogram.start + last + 1) * step
    return max(low, histogram.low), min(high, histogram.high)
