"""Figures that compare outputs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgesdk.verification.metrics import Comparison, Difference, Noise, Score


def test_noise_of_a_tenth_is_twenty_decibel() -> None:
    noise = Noise()
    noise.add(np.array([1.0, -1.0]), np.array([1.1, -0.9]))
    assert noise.decibel == pytest.approx(20)


def test_no_noise_is_infinite_and_no_signal_negative_infinite() -> None:
    noise = Noise()
    assert math.isnan(noise.decibel)
    noise.add(np.ones(2), np.ones(2))
    assert noise.decibel == math.inf
    silent = Noise()
    silent.add(np.zeros(2), np.ones(2))
    assert silent.decibel == -math.inf


@given(st.integers(1, 9))
def test_samples_add_up_as_one_long_array(cut: int) -> None:
    rng = np.random.default_rng(cut)
    exact, actual = rng.normal(size=10), rng.normal(size=10)
    whole, parts = Noise(), Noise()
    whole.add(exact, actual)
    for piece in (slice(None, cut), slice(cut, None)):
        parts.add(exact[piece], actual[piece])
    assert parts.decibel == pytest.approx(whole.decibel)


def test_the_best_class_decides() -> None:
    score = Score()
    score.add(np.array([1, 0]), np.array([[0, 5, 1], [0, 1, 2]]))
    assert (score.right, score.total, score.percent) == (1, 2, 50)
    assert Score().percent is None


def test_differences_are_counted_and_the_largest_is_kept() -> None:
    difference = Difference()
    difference.add(np.array([1.0, 2.0, np.nan]), np.array([1.0, 2.5, np.nan]))
    difference.add(np.array([7], np.int8), np.array([4], np.int8))
    assert (difference.elements, difference.different, difference.largest) == (4, 2, 3.0)


def test_a_nan_on_one_side_is_a_difference() -> None:
    difference = Difference()
    difference.add(np.array([np.nan]), np.array([1.0]))
    assert (difference.different, difference.largest) == (1, math.inf)


def test_a_label_and_the_simulation_are_optional() -> None:
    found = Comparison()
    scores = [np.array([[0.0, 1.0]])]
    found.add(scores, scores, None, None)
    assert (found.top1.percent, found.agreement.percent) == (None, 100)
    assert found.difference.elements == 0
    found.add(scores, scores, scores, 0)
    assert (found.top1.percent, found.difference.elements) == (0, 2)
