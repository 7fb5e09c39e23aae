"""A histogram that widens itself: one pass over the data, memory O(bins)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

BINS = 4096


@dataclass
class Histogram:
    """Counts over [-limit, limit); when a value lies outside, limit doubles and bins merge in pairs.

    Attributes:
        limit: a power of two; 0 before the first value.
        counts: int64 [BINS].
        low: smallest value seen.
        high: largest value seen.
    """

    limit: float = 0.0
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(BINS, np.int64))
    low: float = np.inf
    high: float = -np.inf

    def add(self, x: NDArray[np.float32]) -> None:
        """Count the values of an array of any shape; they must be finite."""
        if x.size == 0:
            return
        low, high = float(x.min()), float(x.max())
        self.low, self.high = min(self.low, low), max(self.high, high)
        self._widen(max(-low, high))
        if self.limit:
            index = (
                (x.ravel() + np.float32(self.limit)) * np.float32(BINS / 2 / self.limit)
            ).astype(np.int32)
            np.clip(index, 0, BINS - 1, out=index)
            self.counts += np.bincount(index, minlength=BINS)

    def _widen(self, magnitude: float) -> None:
        if self.limit == 0 and magnitude > 0:
            self.limit = float(2.0 ** np.ceil(np.log2(magnitude)))
        while self.limit and magnitude > self.limit:
            merged = self.counts.reshape(-1, 2).sum(axis=1)
            self.counts = np.zeros(BINS, np.int64)
            self.counts[BINS // 4 : BINS // 4 + BINS // 2] = merged
            self.limit *= 2

    @property
    def edges(self) -> NDArray[np.float64]:
        """float64 [BINS + 1], the borders of the bins."""
        return np.linspace(-self.limit, self.limit, BINS + 1)

    @property
    def centres(self) -> NDArray[np.float64]:
        """float64 [BINS]."""
        edges = self.edges
        return (edges[:-1] + edges[1:]) / 2
