"""Smallest and largest value of each channel: what equalization balances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

CHANNEL = 1  # dimension of the channels in [N, C, ...]


@dataclass
class ChannelRange:
    """Extremes of each channel.

    Attributes:
        low: float32 [C], empty before the first array.
        high: float32 [C].
    """

    low: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    high: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))

    def add(self, x: NDArray[np.float32]) -> None:
        """Take in a batch [N, C, ...]."""
        others = tuple(axis for axis in range(x.ndim) if axis != CHANNEL)
        low, high = x.min(axis=others), x.max(axis=others)
        if self.low.size:
            low, high = np.minimum(low, self.low), np.maximum(high, self.high)
        self.low, self.high = low, high

    def state(self) -> dict[str, NDArray[Any]]:
        """Arrays that `from_state` turns into equal extremes."""
        return {"low": self.low, "high": self.high}

    @staticmethod
    def from_state(state: Mapping[str, NDArray[Any]]) -> ChannelRange:
        """The inverse of `state`."""
        return ChannelRange(state["low"], state["high"])
