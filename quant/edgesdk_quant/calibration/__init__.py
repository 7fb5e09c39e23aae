"""Calibration: ranges of activations from data, in memory that does not grow with the data."""

from edgesdk_quant.calibration.channel_range import ChannelRange
from edgesdk_quant.calibration.collect import Collected, collect
from edgesdk_quant.calibration.histogram import Histogram
from edgesdk_quant.calibration.ranges import find_range

__all__ = ["ChannelRange", "Collected", "Histogram", "collect", "find_range"]
