"""A histogram that widens itself: one pass, bounded memory, the same result in any order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 4096
# float32 counts bins exactly up to here, so the grid may not be finer than this below a value.
FINEST = 2**22


@dataclass
class Histogram:
    """Counts of values on a grid whose step is a power of two.

    Bin i holds the values in [i, i + 1) * 2**exponent. When the values outgrow `BINS` bins,
    neighbours are added up in pairs and the step doubles: grids of all steps nest, so nothing is
    approximated and neither the order nor the batching of the values matters.

    Attributes:
        low: smallest value seen; inf before the first.
        high: largest value seen; -inf before the first.
        exponent: step as a power of two, None before the first value that is not zero.
        start: number of the first bin.
        counts: int64 [bins].
    """

    low: float = np.inf
    high: float = -np.inf
    exponent: int | None = None
    start: int = 0
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    def add(self, x: NDArray[np.float32]) -> None:
        """Count finite values of any shape."""
        if x.size == 0:
            return
        low, high = float(x.min()), float(x.max())
        self.low, self.high = min(self.low, low), max(self.high, high)
        step = self._make_room(low, high)
        index = np.floor(x.reshape(-1) * np.float32(1 / step)).astype(np.int64)
        self.counts += np.bincount(index - self.start, minlength=self.counts.size)

    def merge(self, other: Histogram) -> None:
        """Count what another histogram counted."""
        if other.exponent is None:
            return
        exponent = max(other.exponent, other.exponent if self.exponent is None else self.exponent)
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)
        self._make_room(other.low, other.high, exponent)
        theirs = Histogram(other.low, other.high, other.exponent, other.start, other.counts)
        while theirs.exponent is not None and theirs.exponent < (self.exponent or 0):
            theirs._coarsen()
        offset = theirs.start - self.start
        self.counts[offset : offset + theirs.counts.size] += theirs.counts

    def centers(self) -> NDArray[np.float64]:
        """Middle of each bin, float64 [bins]; a bin that begins at 0 stands for 0 itself.

        After ReLU most values are exactly 0; their bin must not look as if it had an error.
        """
        step = 2.0 ** (self.exponent or 0)
        numbers = np.arange(self.start, self.start + self.counts.size)
        return np.where(numbers == 0, 0.0, (numbers + 0.5) * step)

    def state(self) -> dict[str, NDArray[Any]]:
        """Arrays that `from_state` turns into an equal histogram."""
        exponent = np.nan if self.exponent is None else self.exponent
        head = np.array([self.low, self.high, exponent, self.start], np.float64)
        return {"head": head, "counts": self.counts}

    @staticmethod
    def from_state(state: Mapping[str, NDArray[Any]]) -> Histogram:
        """The inverse of `state`."""
        low, high, exponent, start = (float(v) for v in state["head"])
        known = None if np.isnan(exponent) else int(exponent)
        return Histogram(low, high, known, int(start), state["counts"].astype(np.int64))

    def _make_room(self, low: float, high: float, exponent: int | None = None) -> float:
        """Cover low..high; returns the step."""
        if self.exponent is None:
            self.exponent = _finest_exponent(low, high)
            self.start = int(np.floor(low / 2.0**self.exponent))
        while self._span(low, high) > BINS or (exponent is not None and self.exponent < exponent):
            self._coarsen()
        step = 2.0**self.exponent
        first, last = int(np.floor(low / step)), int(np.floor(high / step))
        if self.counts.size == 0:
            self.start = first
        before = max(0, self.start - first)
        after = max(0, last + 1 - self.start - self.counts.size)
        self.counts = np.pad(self.counts, (before, after))
        self.start -= before
        return step

    def _span(self, low: float, high: float) -> int:
        step = 2.0 ** (self.exponent or 0)
        first, last = int(np.floor(low / step)), int(np.floor(high / step))
        if self.counts.size:
            first = min(first, self.start)
            last = max(last, self.start + self.counts.size - 1)
        return last - first + 1

    def _coarsen(self) -> None:
        before = self.start % 2
        after = (before + self.counts.size) % 2
        padded = np.pad(self.counts, (before, after))
        self.counts = padded.reshape(-1, 2).sum(axis=1)
        self.start = (self.start - before) // 2
        self.exponent = (self.exponent or 0) + 1


def _finest_exponent(low: float, high: float) -> int:
    finest = max((high - low) / (BINS - 2), max(abs(low), abs(high)) / FINEST)
    smallest = float(np.finfo(np.float32).tiny)
    return int(np.ceil(np.log2(max(finest, smallest))))
