"""Greedy bit allocation: again and again the step down that does least harm for what it saves."""

from __future__ import annotations

import heapq

from edgesdk_quant.search.choices import Allocation, Choice, Table, allocation, refuse_impossible


def allocate_greedily(table: Table, budget: float, unit: str) -> Allocation:
    """Start with the least damage and go down until the budget holds.

    Args:
        table: what to choose from.
        budget: most that the costs may add up to.
        unit: of the costs, for errors.

    Raises:
        RecipeError: the budget is impossible.
    """
    refuse_impossible(table, budget, unit)
    chosen = {n: min(choices, key=lambda c: (c.damage, c.cost)) for n, choices in table.items()}
    total = sum(choice.cost for choice in chosen.values())
    steps = [step for node in table for step in _steps_down(table, node, chosen[node])]
    heapq.heapify(steps)
    while total > budget and steps:
        _, _, node, index = heapq.heappop(steps)
        cheaper = table[node][index]
        if cheaper.cost >= chosen[node].cost:
            continue
        total += cheaper.cost - chosen[node].cost
        chosen[node] = cheaper
        for step in _steps_down(table, node, cheaper):
            heapq.heappush(steps, step)
    return allocation(table, chosen)


def _steps_down(table: Table, node: str, current: Choice) -> list[tuple[float, float, str, int]]:
    """(damage for each unit saved, -saved, node, choice) of all cheaper choices."""
    found = []
    for index, choice in enumerate(table[node]):
        saved = current.cost - choice.cost
        if saved > 0:
            found.append(((choice.damage - current.damage) / saved, -saved, node, index))
    return found
