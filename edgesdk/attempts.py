"""What the accuracy-aware loop measured, and what it came to."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgesdk.drop import Drop
    from edgesdk.labels import Labels
    from edgesdk.quantized import Quantized
    from edgesdk_quant.data import CalibrationData
    from edgesdk_quant.recipe import Recipe


@dataclass(frozen=True)
class Attempt:
    """One step.

    Attributes:
        step: what it tried, e.g. "AdaRound".
        drop: what was measured; None where the step cannot be taken.
        minutes: wall time; 0 for what an earlier run measured.
        holds: the drop is small enough.
        refusal: why the step cannot be taken, "" where it can.
    """

    step: str
    drop: Drop | None
    minutes: float
    holds: bool = False
    refusal: str = ""

    @property
    def points(self) -> float:
        """The drop in points; infinite where there is none."""
        return math.inf if self.drop is None else self.drop.points


@dataclass(frozen=True)
class Outcome:
    """What the loop came to.

    Attributes:
        quantized: the model of the step that holds, else of the one with the least drop.
        recipe: of that step.
        attempts: all steps in order.
        float_score: top-1 of the float model in percent; None without labels.
        max_drop: points that were allowed.
        max_minutes: minutes that were allowed.
        unfinished: the step that there was no time for; "" where time was enough.
        test: what the drops were measured on.
        labels: classes of these samples; None without.
    """

    quantized: Quantized
    recipe: Recipe
    attempts: tuple[Attempt, ...]
    float_score: float | None
    max_drop: float
    max_minutes: float
    unfinished: str = ""
    test: CalibrationData | None = None
    labels: Labels | None = None

    @property
    def best(self) -> Attempt:
        """The step whose model this is."""
        return min(self.attempts, key=lambda attempt: attempt.points)

    @property
    def holds(self) -> bool:
        """Whether its drop is small enough."""
        return self.best.holds

    @property
    def sentence(self) -> str:
        """What came out, and what to do where that is not enough."""
        labelled = self.float_score is not None
        points = "points of top-1" if labelled else "% of the answers"
        found = f"{self.best.step} ({self.best.points:.2f} {points} lost)"
        if self.holds:
            return f"{found} holds {self.max_drop:g}."
        if self.unfinished:
            return (
                f"{self.max_minutes:g} minutes were over before {self.unfinished} was done, and no "
                f"step before it holds {self.max_drop:g}; this is the best so far, {found}. Run "
                "the same command again: it goes on where it stopped. Or give more minutes."
            )
        return (
            f"No step holds {self.max_drop:g}; this is the best, {found}. Allow a larger drop, "
            "give more calibration samples, or take w8a16, or w8, which keeps activations in float."
        )
