"""What a search chooses from: for each layer its widths, with their cost and their damage."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from edgesdk_quant.search.budget import Limit


@dataclass(frozen=True)
class Choice:
    """One width for one layer.

    Attributes:
        bits: of its weights.
        cost: in the unit of the budget: bytes or milliseconds.
        damage: noise that this alone adds to the outputs, as a share of their power.
    """

    bits: int
    cost: float
    damage: float


# Node name -> its choices.
Table = Mapping[str, Sequence[Choice]]


@dataclass(frozen=True)
class Allocation:
    """A width for every layer.

    Attributes:
        bits: node name -> width.
        cost: sum over the layers.
        damage: sum over the layers, as if their noises were independent.
    """

    bits: Mapping[str, int]
    cost: float
    damage: float


def allocation(table: Table, chosen: Mapping[str, Choice]) -> Allocation:
    """Add up the choices, in the table's order."""
    picked = {node: chosen[node] for node in table}
    return Allocation(
        {node: choice.bits for node, choice in picked.items()},
        sum(choice.cost for choice in picked.values()),
        sum(choice.damage for choice in picked.values()),
    )


def extremes(table: Table) -> tuple[float, float]:
    """What the cheapest and the dearest choices of all layers cost."""
    costs = [[choice.cost for choice in choices] for choices in table.values()]
    return sum(map(min, costs)), sum(map(max, costs))


def refuse_impossible(table: Table, budget: float, unit: str) -> None:
    """Refuse a budget that the cheapest choices break.

    Raises:
        RecipeError: says the least and the most that can be spent.
    """
    Limit(budget, unit).refuse_impossible(*extremes(table))


def pareto_front(
    table: Table, allocate: Callable[[Table, float, str], Allocation], unit: str, points: int = 12
) -> list[Allocation]:
    """Allocations between the cheapest and the dearest one, none worse than another in both.

    Args:
        table: what to choose from.
        allocate: the search.
        unit: of the costs.
        points: how many budgets are tried.
    """
    least, most = extremes(table)
    budgets = [least + (most - least) * i / (points - 1) for i in range(points)]
    # The sums round otherwise than the search's own: a hair more lets the cheapest in.
    found = [allocate(table, budget * (1 + 1e-9), unit) for budget in budgets]
    front: list[Allocation] = []
    for point in sorted(found, key=lambda a: (a.cost, a.damage)):
        if not front or point.damage < front[-1].damage:
            front.append(point)
    return front
