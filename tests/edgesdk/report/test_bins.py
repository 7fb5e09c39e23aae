"""Histograms for the page."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgesdk.report.bins import MOST_BINS, bins_of_array, bins_of_histogram
from edgesdk_quant.calibration import Histogram

NUMBERS = st.lists(st.floats(-1e4, 1e4, width=32), min_size=1, max_size=300)


@given(NUMBERS)
def test_a_histogram_of_an_array_counts_every_value_between_its_extremes(
    values: list[float],
) -> None:
    array = np.array(values, np.float32)
    bins = bins_of_array(array)
    assert bins is not None
    assert sum(bins.counts) == len(values)
    assert (bins.low, bins.high) == (array.min(), array.max())


@given(NUMBERS)
def test_a_calibration_histogram_keeps_every_count_in_few_bins(values: list[float]) -> None:
    array = np.array(values, np.float32)
    histogram = Histogram()
    histogram.add(array)
    bins = bins_of_histogram(histogram)
    assert bins is not None
    assert sum(bins.counts) == len(values)
    assert len(bins.counts) <= MOST_BINS
    assert bins.low <= array.min()
    assert array.max() <= bins.high


def test_bins_hold_the_values_that_lie_in_them() -> None:
    array = np.linspace(-1, 3, 10_001).astype(np.float32)
    histogram = Histogram()
    histogram.add(array)
    bins = bins_of_histogram(histogram)
    assert bins is not None
    edges = np.linspace(bins.low, bins.high, len(bins.counts) + 1)
    expected, _ = np.histogram(array, edges)
    np.testing.assert_allclose(bins.counts, expected, atol=1)


@pytest.mark.parametrize("array", [np.zeros(0, np.float32), np.array([1, np.nan], np.float32)])
def test_nothing_to_count_is_no_histogram(array: NDArray[np.float32]) -> None:
    assert bins_of_array(array) is None


def test_a_constant_array_is_one_bin() -> None:
    bins = bins_of_array(np.full(7, 2.5, np.float32))
    assert bins is not None
    assert (bins.low, bins.high, bins.counts) == (2.5, 2.5, (7,))


def test_an_empty_calibration_histogram_is_none() -> None:
    assert bins_of_histogram(Histogram()) is None
