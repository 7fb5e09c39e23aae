"""Some rows of a value, evenly over all samples, and the mean magnitude of its channels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_ROWS = 512


class RowSample:
    """Rows are the last dimension [..., C]; at most twice MOST_ROWS of them are held.

    Every `stride`-th row is kept; when there are too many, every other one goes.
    """

    def __init__(self) -> None:
        self.rows = np.zeros((0, 0), np.float32)
        self.total = np.zeros(0)
        self.largest = np.zeros(0, np.float32)
        self.seen = 0
        self.stride = 1

    def add(self, x: NDArray[np.float32]) -> None:
        """Take in one sample's value, of any rank."""
        new = x.reshape(-1, x.shape[-1])
        if not self.seen:
            self.rows, self.total = new[:0], np.zeros(new.shape[1])
            self.largest = np.zeros(new.shape[1], np.float32)
        magnitude = np.abs(new)
        self.total = self.total + magnitude.sum(axis=0, dtype=np.float64)
        self.largest = np.maximum(self.largest, magnitude.max(axis=0))
        self.rows = np.concatenate([self.rows, new[-self.seen % self.stride :: self.stride]])
        self.seen += len(new)
        while len(self.rows) > 2 * MOST_ROWS:
            self.rows, self.stride = self.rows[::2].copy(), 2 * self.stride

    @property
    def mean_magnitude(self) -> NDArray[np.float64]:
        """float64 [C], over all rows that were seen."""
        return np.asarray(self.total / max(self.seen, 1))

    def state(self) -> dict[str, NDArray[Any]]:
        """The statistics as arrays."""
        counts = np.array([self.seen, self.stride])
        return {"rows": self.rows, "total": self.total, "largest": self.largest, "counts": counts}

    @staticmethod
    def from_state(state: Mapping[str, NDArray[Any]]) -> RowSample:
        """Restore what `state` gave."""
        restored = RowSample()
        restored.rows, restored.total = np.array(state["rows"]), np.array(state["total"])
        restored.largest = np.array(state["largest"])
        restored.seen, restored.stride = (int(count) for count in state["counts"])
        return restored
