"""The mean of each channel of a value: what a rounded weight's error is multiplied with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

IMAGE_RANK = 3


class ChannelMean:
    """Running mean over samples and positions of each channel.

    Channels are dimension 1 of images (rank 3 and more), else the last dimension.
    """

    def __init__(self) -> None:
        self.mean = np.zeros(0)
        self.samples = 0

    def add(self, x: NDArray[np.float32]) -> None:
        """Take in one sample's value, of any rank."""
        channel = 1 if x.ndim >= IMAGE_RANK else x.ndim - 1
        axes = tuple(d for d in range(x.ndim) if d != channel)
        mean = x.mean(axis=axes, dtype=np.float64)
        total = self.mean if self.samples else np.zeros(mean.shape)
        self.samples += 1
        self.mean = total + (mean - total) / self.samples

    def state(self) -> dict[str, NDArray[Any]]:
        """The statistics as arrays."""
        return {"mean": self.mean, "samples": np.array(self.samples)}

    @staticmethod
    def from_state(state: Mapping[str, NDArray[Any]]) -> ChannelMean:
        """Restore what `state` gave."""
        restored = ChannelMean()
        restored.mean, restored.samples = np.array(state["mean"]), int(state["samples"])
        return restored
