"""Thresholds."""

from __future__ import annotations

import math

import pytest

from edgesdk.verification.results import Border, RuntimeResult, misses

RESULT = RuntimeResult("m.tflite", "native", top1=88.0, agreement=97.0, sqnr_db=19.0)


@pytest.mark.parametrize(
    ("border", "float_top1", "complaints"),
    [
        (Border(), 89.0, 0),
        (Border(min_sqnr=19.0), 89.0, 0),
        (Border(min_sqnr=19.1), 89.0, 1),
        (Border(max_drop=1.0), 89.0, 0),
        (Border(max_drop=0.5), 89.0, 1),
        (Border(max_drop=2.9), None, 1),
        (Border(min_sqnr=20, max_drop=0.5), 89.0, 2),
    ],
)
def test_each_figure_beyond_the_border_is_one_sentence(
    border: Border, float_top1: float | None, complaints: int
) -> None:
    assert len(misses((RESULT,), float_top1, border)) == complaints


def test_a_figure_that_is_no_number_misses_the_border() -> None:
    broken = RuntimeResult("m.tflite", "native", sqnr_db=math.nan)
    assert misses((broken,), None, Border(min_sqnr=1.0))


def test_a_runtime_that_did_not_run_misses_any_border() -> None:
    failed = RuntimeResult("m.tflite", "native", failure="no such operator")
    assert not misses((failed,), None, Border())
    assert misses((failed,), None, Border(min_sqnr=1.0)) == (
        "m.tflite on native: it does not run.",
    )


@pytest.mark.parametrize(
    ("largest", "in_steps", "words"),
    [(1.0, True, "at most 1 step"), (2.0, True, "at most 2 steps"), (0.1, False, "at most 0.1")],
)
def test_differences_are_told_in_steps_where_there_are_steps(
    largest: float, in_steps: bool, words: str
) -> None:
    result = RuntimeResult("m", "native", largest_step=largest, in_steps=in_steps)
    assert result.largest_in_words == words
