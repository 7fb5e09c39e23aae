"""What 8 bits cannot hold is told by the histogram alone."""

from __future__ import annotations

import numpy as np
import pytest

from edgesdk_quant.calibration import Histogram
from edgesdk_quant.guard import expected_sqnr, too_coarse
from edgesdk_quant.placement import Group
from edgesdk_quant.scheme import activation_parameters


def histogram(values: np.ndarray) -> Histogram:
    seen = Histogram()
    seen.add(values.astype(np.float32))
    return seen


def test_uniform_noise_has_the_ratio_of_theory() -> None:
    """Of b bits over the whole range of a uniform value: 20 log10(2^b) = 6.02 b dB."""
    values = np.random.default_rng(0).uniform(-1, 1, 100_000)
    sqnr = expected_sqnr(histogram(values), activation_parameters(-1, 1, 8))
    assert sqnr == pytest.approx(48.16, abs=0.2)


def test_it_is_what_rounding_the_values_themselves_gives() -> None:
    values = np.random.default_rng(1).normal(size=100_000)
    values[0] = 150
    parameters = activation_parameters(values.min(), values.max(), 8)
    error = parameters.round_trip(values) - values
    exact = 10 * np.log10(np.square(values).sum() / np.square(error).sum())
    assert expected_sqnr(histogram(values), parameters) == pytest.approx(exact, abs=0.5)


def test_one_outlier_makes_a_group_too_coarse_and_sixteen_bits_mend_it() -> None:
    values = np.random.default_rng(2).normal(size=10_000)
    values[0] = 200
    group = Group(("x", "y"))
    eight, sixteen = (activation_parameters(values.min(), 200, bits) for bits in (8, 16))
    found = too_coarse({group: eight}, {group: histogram(values)}, 28)
    assert set(found) == {"x", "y"}
    assert found["x"] < 20
    assert not too_coarse({group: sixteen}, {group: histogram(values)}, 28)


def test_zero_decibels_find_nothing() -> None:
    group, values = Group(("x",)), np.array([0.0, 0.4, 1000.0])
    assert not too_coarse(
        {group: activation_parameters(0, 1e6, 8)}, {group: histogram(values)}, 0.0
    )


def test_zeros_have_no_noise() -> None:
    assert expected_sqnr(histogram(np.zeros(5)), activation_parameters(0, 0, 8)) == np.inf
