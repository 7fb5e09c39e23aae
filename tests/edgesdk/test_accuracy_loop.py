"""Steps of the accuracy-aware loop on a small network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgesdk import Runner, quantize
from edgesdk.accuracy_loop import quantize_until
from edgesdk.attempts import Outcome
from edgesdk.escalation import steps_of
from edgesdk.labels import Labels
from edgesdk_quant.recipe import Algorithms, Recipe
from edgesdk_runtimes.errors import InputError
from tests.edgesdk.small_network import images, network

QUICK = replace(Recipe.load("w4a8"), search=None, algorithms=Algorithms(iterations=30))


def loop(max_drop: float, workdir: Path | None = None, **options: Any) -> Outcome:
    return quantize_until(
        network(), images(12), QUICK, test=images(400, seed=5),
        max_drop=max_drop, workdir=workdir, **options,
    )  # fmt: skip


def test_the_first_step_that_holds_ends_the_loop() -> None:
    outcome = loop(max_drop=100)
    assert [a.step for a in outcome.attempts] == ["minmax ranges"]
    assert outcome.holds
    drop = outcome.attempts[0].drop
    assert drop is not None
    assert drop.runtime == "native"
    assert drop.size_bytes == len(outcome.quantized.to_bytes("tflite"))


def test_steps_escalate_and_a_second_run_measures_none_again(tmp_path: Path) -> None:
    first = loop(max_drop=0, workdir=tmp_path)
    again = loop(max_drop=0, workdir=tmp_path)
    assert [a.step for a in first.attempts] == list(steps_of(QUICK))[: len(first.attempts)]
    assert [a.points for a in again.attempts] == [a.points for a in first.attempts]
    assert all(a.minutes == 0 for a in again.attempts if not a.holds)
    assert again.quantized.to_bytes("onnx") == first.quantized.to_bytes("onnx")


def test_more_calibration_samples_are_another_run(tmp_path: Path) -> None:
    loop(max_drop=100, workdir=tmp_path)
    again = loop(max_drop=100, workdir=tmp_path, limit=6)
    assert again.attempts[0].minutes > 0


def test_steps_come_in_the_order_of_their_cost_and_end_with_more_bits() -> None:
    steps = steps_of(Recipe.load("w4a8"))
    assert list(steps)[:6] == [
        "minmax ranges", "mse ranges", "equalization + bias correction", "sequential MSE", "GPTQ",
        "AdaRound",
    ]  # fmt: skip
    assert [r.algorithms.mixing for r in steps.values()] == [False] * 2 + [True] * (len(steps) - 2)
    distilled = steps_of(Recipe.load("w4"))["GPTQ and distillation"].algorithms
    assert (distilled.rounding, distilled.distillation) == ("gptq", 150)
    budgets = [r.search.budget for r in steps.values() if r.search is not None]
    assert budgets[-1] > budgets[-2] > budgets[0]
    assert [r.search.file_share for r in steps.values() if r.search][-2:] == [0.0, 0.0]
    last = list(steps.values())[-1]
    assert (last.weights.bits, last.search) == (8, None)
    assert not any("8 bits" in name for name in steps_of(Recipe.load("w8a8")))


@pytest.mark.parametrize("name", ["w4", "w4a8"])
def test_the_last_step_stores_all_weights_in_eight_bits(name: str) -> None:
    first, *_, last = steps_of(Recipe.load(name)).values()
    recipes = (replace(first, search=None), last)
    four, eight = (quantize(network(), images(12), recipe=recipe) for recipe in recipes)
    assert len(eight.to_bytes("tflite")) > len(four.to_bytes("tflite"))
    test = images(400, seed=5)
    exact, ours = (np.argmax(Runner(m)(test), -1) for m in (network(), eight.to_bytes("onnx")))
    assert np.mean(exact == ours) > 0.98


def test_without_labels_the_drop_is_agreement_and_with_them_top1() -> None:
    answers = np.argmax(Runner(network())(images(400, seed=5)), axis=-1)
    labels = Labels({}, tuple(int(a) for a in answers))
    plain, labelled = loop(max_drop=100), loop(max_drop=100, labels=labels)
    assert plain.float_score is None
    assert "% of the answers lost" in plain.sentence
    assert labelled.float_score == 100
    assert "points of top-1 lost" in labelled.sentence
    assert plain.attempts[0].points == pytest.approx(labelled.attempts[0].points)


def test_what_the_limit_leaves_is_the_test_data_and_labels_in_order_go_along() -> None:
    answers = np.argmax(Runner(network())(images(40)), axis=-1)
    labels = Labels({}, tuple(int(a) for a in answers))
    outcome = quantize_until(network(), images(40), QUICK, limit=12, max_drop=100, labels=labels)
    assert outcome.float_score == 100
    assert outcome.test is not None
    assert outcome.test.count == 28
    with pytest.raises(InputError, match="nothing to measure the drop on"):
        quantize_until(network(), images(12), QUICK, limit=12)


def test_when_the_time_is_up_the_best_so_far_is_given_and_says_so() -> None:
    outcome = loop(max_drop=0, max_minutes=1e-9)
    assert len(outcome.attempts) == 1
    assert outcome.unfinished == "mse ranges"
    assert not outcome.holds
    assert "1e-09 minutes were over before mse ranges was done" in outcome.sentence


def test_a_step_that_data_are_too_few_for_is_left_out_and_the_next_one_tried() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("edgesdk_quant.algorithms.gptq_rounding.FEWEST_ROWS", 1e9)
        outcome = loop(max_drop=0)
    refused = [a for a in outcome.attempts if a.drop is None]
    assert [a.step for a in refused] == ["GPTQ"]
    assert "Give at least" in refused[0].refusal
    assert [a.step for a in outcome.attempts][-1] == list(steps_of(QUICK))[-1]


def test_limits_that_make_no_sense_are_refused() -> None:
    with pytest.raises(InputError, match="max_drop=-1"):
        loop(max_drop=-1)
