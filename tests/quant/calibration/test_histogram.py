"""Histograms widen themselves, exactly: neither order nor batching changes the counts."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgesdk_quant.calibration import Histogram
from edgesdk_quant.calibration.histogram import BINS

seeds = st.integers(0, 2**32 - 1)


def seen(*arrays: NDArray[np.float32]) -> Histogram:
    histogram = Histogram()
    for array in arrays:
        histogram.add(array)
    return histogram


def batches(seed: int) -> list[NDArray[np.float32]]:
    """Arrays whose sizes and magnitudes differ by orders."""
    rng = np.random.default_rng(seed)
    return [
        (rng.normal(size=rng.integers(1, 300)) * 10.0 ** rng.integers(-6, 6)).astype(np.float32)
        for _ in range(rng.integers(1, 6))
    ]


def same(one: Histogram, other: Histogram) -> bool:
    """Equal grids and counts, leading and trailing empty bins aside."""
    mine, theirs = (
        {h.start + i: int(n) for i, n in enumerate(h.counts) if n} for h in (one, other)
    )
    ends = (one.low, one.high) == (other.low, other.high)
    return one.exponent == other.exponent and mine == theirs and ends


@given(seeds)
def test_every_value_is_counted_in_its_bin_in_bounded_memory(seed: int) -> None:
    arrays = batches(seed)
    histogram, values = seen(*arrays), np.concatenate(arrays).astype(np.float64)
    step = 2.0 ** (histogram.exponent or 0)
    numbers, counts = np.unique(np.floor(values / step).astype(np.int64), return_counts=True)
    used = np.flatnonzero(histogram.counts)
    assert np.array_equal(histogram.start + used, numbers)
    assert np.array_equal(histogram.counts[used], counts)
    assert histogram.counts.size <= BINS
    assert (histogram.low, histogram.high) == (values.min(), values.max())


@given(seeds)
def test_the_order_of_batches_does_not_matter(seed: int) -> None:
    arrays = batches(seed)
    one, other = seen(*arrays), seen(*reversed(arrays))
    merged = Histogram()
    for array in arrays:
        merged.merge(seen(array))
    assert one.counts.sum() == other.counts.sum() == merged.counts.sum()
    assert (one.low, one.high) == (other.low, other.high) == (merged.low, merged.high)


@given(seeds)
def test_a_saved_histogram_comes_back(seed: int) -> None:
    histogram = seen(*batches(seed))
    assert same(Histogram.from_state(histogram.state()), histogram)


def test_nothing_and_zeros_are_no_trouble() -> None:
    assert seen(np.zeros(0, np.float32)).counts.size == 0
    zeros = seen(np.zeros(5, np.float32))
    assert zeros.counts.sum() == 5
    assert set(zeros.centers()[zeros.counts > 0]) == {0.0}
