"""Steps of the accuracy-aware loop on a small network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from edgesdk.accuracy_loop import Attempt, quantize_until, steps_of
from edgesdk_quant.recipe import Algorithms, Recipe
from edgesdk_runtimes.errors import InputError
from tests.edgesdk.small_network import images, network

QUICK = replace(Recipe.load("w4a8"), search=None, algorithms=Algorithms(iterations=30))


def attempts(max_drop: float, workdir: Path | None = None) -> tuple[Attempt, ...]:
    outcome = quantize_until(
        network(), images(12), images(40, seed=5), None, QUICK,
        max_drop=max_drop, max_minutes=10, workdir=workdir,
    )  # fmt: skip
    return outcome.attempts


def test_the_first_step_that_holds_ends_the_loop() -> None:
    found = attempts(max_drop=100)
    assert [a.step for a in found] == ["minmax ranges"]
    assert found[0].holds
    assert found[0].runtime == "native"


def test_steps_escalate_and_a_second_run_measures_none_again(tmp_path: Path) -> None:
    first = attempts(max_drop=0, workdir=tmp_path)
    again = attempts(max_drop=0, workdir=tmp_path)
    assert [a.step for a in first] == list(steps_of(QUICK))[: len(first)]
    assert [a.drop for a in again] == [a.drop for a in first]
    assert all(a.minutes == 0 for a in again if not a.holds)


def test_limits_that_make_no_sense_are_refused() -> None:
    with pytest.raises(InputError, match="max_drop=-1"):
        attempts(max_drop=-1)
