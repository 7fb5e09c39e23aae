"""A budget of latency, held by the network as a whole.

Layers that are timed alone do not quite add up to the network: caches, fused operators and changes
of width between neighbours count too. So the choice is measured as it will run, and where it takes
too long the search is told to spend less, by as much.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from edgesdk_quant.search.budget import Limit
from edgesdk_quant.search.choices import Allocation, Table, extremes

ROUNDS = 5
# Two measurements of the same network differ by this share of it on a machine that is not idle.
NOISE = 0.005

Bits = Mapping[str, int]


@dataclass(frozen=True)
class Whole:
    """What a choice takes as a whole.

    Attributes:
        budget_ms: what it may take.
        measured_ms: what it takes.
        rounds: how many choices were measured.
    """

    budget_ms: float
    measured_ms: float
    rounds: int

    @property
    def holds(self) -> bool:
        """Whether it is within the budget, but for noise."""
        return self.measured_ms <= self.budget_ms * (1 + NOISE)

    @property
    def sentence(self) -> str:
        """What came out, and what to do where that is too slow."""
        taken = f"takes {self.measured_ms:.3f} ms as a whole; the budget is {self.budget_ms:.3f} ms"
        if self.holds:
            return f"The chosen network {taken}."
        return (
            f"The fastest of {self.rounds} choices {taken}, and no choice holds it. "
            "Give a larger budget, or let more layers have the faster width."
        )


def allocate_measured(
    table: Table,
    limit: Limit,
    method: Callable[[Table, float, str], Allocation],
    measure: Callable[[Bits], float],
) -> tuple[Allocation, Whole]:
    """The first choice that holds as a whole, or the fastest of those that were measured.

    Args:
        table: what to choose from, in milliseconds of layers alone.
        limit: of the whole inference, in milliseconds.
        method: the search.
        measure: milliseconds of the whole inference with these widths.

    Raises:
        RecipeError: the limit is impossible by the table.
    """
    least, _ = extremes(table)
    tried: list[tuple[float, Allocation]] = []
    left = limit.left
    while len(tried) < ROUNDS:
        found = method(table, left, limit.unit)
        tried.append((measure(found.bits), found))
        whole = Whole(limit.amount, tried[-1][0], len(tried))
        if whole.holds:
            return found, whole
        if found.cost <= least:
            break
        # A hair more than the least: the search adds up in another order.
        left = max(found.cost - (whole.measured_ms - limit.amount), least * (1 + 1e-9))
    fastest, found = min(tried, key=lambda each: each[0])
    return found, Whole(limit.amount, fastest, len(tried))
