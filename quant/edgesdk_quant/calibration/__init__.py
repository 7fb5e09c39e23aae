"""Calibration: ranges of activations from data, in memory that does not grow with the data."""

from edgesdk_quant.calibration.collect import Statistics, collect
from edgesdk_quant.calibration.histogram import Histogram
from edgesdk_quant.calibration.ranges import pick_range

__all__ = ["Histogram", "Statistics", "collect", "pick_range"]
