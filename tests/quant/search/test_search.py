"""Bit allocation against trying everything."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgesdk_quant.search import (
    Choice,
    Table,
    allocate_exactly,
    allocate_greedily,
    pareto_front,
)
from edgesdk_quant.search.haq import allocate_by_agent
from edgesdk_runtimes.errors import RecipeError


def table(layers: int, seed: int) -> Table:
    draws = np.random.default_rng(seed)
    found = {}
    for layer in range(layers):
        size, harm = float(draws.integers(1, 100)), float(draws.random())
        found[f"layer{layer}"] = [Choice(4, size * 0.5, harm), Choice(8, size, harm / 100)]
    return found


def brute_force(choices: Table, budget: float) -> float:
    """Least damage of all combinations."""
    fitting = [c for c in itertools.product(*choices.values()) if sum(x.cost for x in c) <= budget]
    return min(sum(x.damage for x in c) for c in fitting)


@given(seed=st.integers(0, 50), share=st.floats(0.51, 1.0))
def test_the_linear_program_is_as_good_as_trying_everything(seed: int, share: float) -> None:
    choices = table(7, seed)
    budget = share * sum(c[1].cost for c in choices.values())
    found = allocate_exactly(choices, budget, "bytes")
    assert found.cost <= budget * (1 + 1e-6)
    assert found.damage == pytest.approx(brute_force(choices, budget), rel=1e-4, abs=1e-6)


@given(seed=st.integers(0, 50), share=st.floats(0.51, 1.0))
def test_greedy_keeps_the_budget(seed: int, share: float) -> None:
    choices = table(7, seed)
    budget = share * sum(c[1].cost for c in choices.values())
    found = allocate_greedily(choices, budget, "bytes")
    assert found.cost <= budget + 1e-9
    assert found.damage >= brute_force(choices, budget) - 1e-9


def test_an_impossible_budget_names_the_least_that_is_possible() -> None:
    choices = {"a": [Choice(4, 100.0, 1.0), Choice(8, 200.0, 0.0)]}
    with pytest.raises(RecipeError, match=r"50 bytes is impossible.*takes 100 bytes"):
        allocate_exactly(choices, 50, "bytes")


def test_the_pareto_front_has_no_point_that_another_beats() -> None:
    front = pareto_front(table(7, 3), allocate_exactly, "bytes")
    assert len(front) > 3
    for before, after in itertools.pairwise(front):
        assert after.cost > before.cost
        assert after.damage < before.damage


def test_the_agent_gives_the_same_for_the_same_seed_and_learns() -> None:
    choices = table(8, 1)
    budget = 0.75 * sum(c[1].cost for c in choices.values())

    def damage(bits: Mapping[str, int]) -> float:
        return sum(next(c.damage for c in choices[n] if c.bits == b) for n, b in bits.items())

    first, again = (
        allocate_by_agent(choices, budget, "bytes", damage, episodes=20, seed=3) for _ in range(2)
    )
    assert first == again
    assert first.cost <= budget
    cheapest = sum(c[0].damage for c in choices.values())
    assert first.damage < cheapest
