"""Figures that compare outputs, gathered sample by sample in constant memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from edgesdk_runtimes.base import Array


@dataclass
class Noise:
    """Signal to quantization noise: 10 log10(sum reference^2 / sum (actual - reference)^2)."""

    signal: float = 0.0
    noise: float = 0.0

    def add(self, reference: Array, actual: Array) -> None:
        """Take in one pair of arrays of the same shape."""
        exact = reference.astype(np.float64)
        self.signal += float(np.square(exact).sum())
        self.noise += float(np.square(actual.astype(np.float64) - exact).sum())

    @property
    def decibel(self) -> float:
        """Infinite without noise; NaN where both are nothing."""
        if self.noise == 0:
            return math.inf if self.signal else math.nan
        return 10 * math.log10(self.signal / self.noise) if self.signal else -math.inf


@dataclass
class Score:
    """How often the best class of a sample is right."""

    right: int = 0
    total: int = 0

    def add(self, expected: Array, scores: Array) -> None:
        """Take in scores [batch, ..., classes] and the right classes [batch, ...]."""
        best = scores.argmax(axis=-1).ravel()
        self.right += int((best == np.asarray(expected).ravel()).sum())
        self.total += best.size

    @property
    def percent(self) -> float | None:
        """None where nothing was counted."""
        return 100 * self.right / self.total if self.total else None


@dataclass
class Difference:
    """Elements that two runtimes do not share bit for bit; `largest` is the widest gap."""

    elements: int = 0
    different: int = 0
    largest: float = 0.0

    def add(self, one: Array, other: Array) -> None:
        """Take in one pair of arrays of the same shape; NaN equals NaN."""
        same = one == other
        if one.dtype.kind == "f":
            same |= np.isnan(one) & np.isnan(other)
        self.elements += one.size
        self.different += int(one.size - same.sum())
        if not same.all():
            gap = np.abs(one.astype(np.float64) - other.astype(np.float64))
            gap[np.isnan(gap)] = np.inf  # a number on one side only
            self.largest = max(self.largest, float(gap[~same].max()))


@dataclass
class Comparison:
    """All figures of one runtime against float and against the simulation."""

    noise: Noise = field(default_factory=Noise)
    agreement: Score = field(default_factory=Score)
    top1: Score = field(default_factory=Score)
    difference: Difference = field(default_factory=Difference)

    def add(
        self,
        exact: Sequence[Array],
        outputs: Sequence[Array],
        simulated: Sequence[Array] | None,
        label: int | None,
    ) -> None:
        """Take in one sample.

        Args:
            exact: outputs of the float model; the first holds the scores.
            outputs: outputs of the runtime, same shapes.
            simulated: outputs of the simulation; None where it did not run.
            label: the right class; None where it is not known.
        """
        for one, other in zip(exact, outputs, strict=True):
            self.noise.add(one, other)
        for one, other in zip(simulated or (), outputs, strict=False):
            self.difference.add(one, other)
        if is_scores(exact[0]):
            self.agreement.add(exact[0].argmax(axis=-1), outputs[0])
        if label is not None and is_scores(exact[0]):
            self.top1.add(np.array(label), outputs[0])


def is_scores(output: Array) -> bool:
    """Whether an output can be scores: several classes in its last dimension."""
    return output.ndim >= 1 and output.shape[-1] > 1
