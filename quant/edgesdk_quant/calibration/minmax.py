"""Range by extremes: nothing is clipped."""

from __future__ import annotations

from edgesdk_quant.calibration.histogram import Histogram


def find_range(histogram: Histogram) -> tuple[float, float]:
    """The smallest and the largest value seen."""
    return histogram.low, histogram.high
