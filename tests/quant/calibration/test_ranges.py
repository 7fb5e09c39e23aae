"""Ranges from histograms, against a search over the values themselves."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from edgesdk_quant.calibration import Histogram, find_range
from edgesdk_quant.recipe import ACTIVATION_RANGES, ActivationRecipe
from edgesdk_quant.scheme import activation_parameters

NORMAL = np.random.default_rng(0).normal(size=50_000).astype(np.float32)
WITH_OUTLIER = np.append(NORMAL, np.float32(60))
RELU = np.maximum(NORMAL, 0)


def found(
    values: NDArray[np.float32], method: str, percentile: float = 99.0
) -> tuple[float, float]:
    histogram = Histogram()
    histogram.add(values)
    return find_range(histogram, ActivationRecipe(8, method, percentile))


def squared_error(values: NDArray[np.float32], low: float, high: float) -> float:
    return float(np.square(activation_parameters(low, high, 8).round_trip(values) - values).sum())


def test_minmax_keeps_the_extremes() -> None:
    assert found(WITH_OUTLIER, "minmax") == (float(NORMAL.min()), 60.0)


def test_percentile_keeps_the_share_that_was_asked_for() -> None:
    low, high = found(WITH_OUTLIER, "percentile", 99.0)
    inside = ((low <= WITH_OUTLIER) & (high >= WITH_OUTLIER)).mean()
    assert inside == pytest.approx(0.99, abs=0.002)
    assert -low == pytest.approx(high, rel=0.05)


@pytest.mark.parametrize("values", [NORMAL, WITH_OUTLIER, RELU], ids=["normal", "outlier", "relu"])
def test_mse_is_near_the_best_of_an_exhaustive_search(values: NDArray[np.float32]) -> None:
    fractions = np.linspace(0.05, 1, 96)
    low, high = float(values.min()), float(values.max())
    lows = low * fractions if low < 0 else [0.0]
    best = min(squared_error(values, a, b) for a in lows[::4] for b in high * fractions[::2])
    assert squared_error(values, *found(values, "mse")) <= 1.5 * best


def test_entropy_cuts_a_lone_outlier_and_keeps_the_bulk() -> None:
    low, high = found(WITH_OUTLIER, "entropy")
    assert high < 50
    assert ((low <= NORMAL) & (high >= NORMAL)).mean() > 0.98


@pytest.mark.parametrize("method", ACTIVATION_RANGES)
@pytest.mark.parametrize("values", [NORMAL, WITH_OUTLIER, RELU, -RELU, np.zeros(9, np.float32)])
def test_zero_is_always_inside(method: str, values: NDArray[np.float32]) -> None:
    low, high = found(values, method)
    assert values.min() - 1e-3 <= low <= 0 <= high <= values.max() + 1e-3


def test_one_value_alone_has_a_range() -> None:
    low, high = found(np.full(7, 3, np.float32), "mse")
    assert (low, high) == (0.0, high)
    assert high == pytest.approx(3, abs=0.1)
