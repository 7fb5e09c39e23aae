"""From a histogram to the range that is kept: minmax, percentile, mse, entropy."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from edgesdk_quant.calibration.histogram import Histogram
from edgesdk_quant.recipe import ActivationRecipe

Range = tuple[float, float]
CANDIDATES = 100  # clipping thresholds tried by the searches, evenly from 30 % to all of the range


def pick_range(histogram: Histogram, recipe: ActivationRecipe, method: str = "") -> Range:
    """The range that the recipe's method (or the given one) keeps.

    Returns:
        (low, high) in units of the float values, low <= 0 <= high.
    """
    if not histogram.limit:
        return (0.0, 0.0)
    low, high = METHODS[method or recipe.range](histogram, recipe)
    return (min(low, 0.0), max(high, 0.0))


def _minmax(histogram: Histogram, recipe: ActivationRecipe) -> Range:
    return (histogram.low, histogram.high)


def _percentile(histogram: Histogram, recipe: ActivationRecipe) -> Range:
    """Leave out (100 - percentile) / 2 percent of the values on each side."""
    share = np.cumsum(histogram.counts) / histogram.counts.sum()
    tail = (100.0 - recipe.percentile) / 200.0
    edges = histogram.edges
    low = edges[int(np.searchsorted(share, tail, side="right"))]
    high = edges[min(int(np.searchsorted(share, 1 - tail)) + 1, len(edges) - 1)]
    return (max(float(low), histogram.low), min(float(high), histogram.high))


def _mse(histogram: Histogram, recipe: ActivationRecipe) -> Range:
    """Least mean squared error of rounding (step^2 / 12) and clipping, by exhaustive search."""
    levels = 2**recipe.bits - 1
    return min(_candidates(histogram), key=lambda r: _squared_error(histogram, r, levels))


def _candidates(histogram: Histogram) -> list[Range]:
    """Both ends shrink together, and one end alone where the other is short."""
    low, high = min(histogram.low, 0.0), max(histogram.high, 0.0)
    reach = max(-low, high)
    limits = np.linspace(1.0, 0.3, CANDIDATES) * reach
    return [(max(low, -limit), min(high, limit)) for limit in limits]


def _squared_error(histogram: Histogram, kept: Range, levels: int) -> float:
    low, high = kept
    centres, counts = histogram.centres, histogram.counts
    outside = np.maximum(low - centres, 0) + np.maximum(centres - high, 0)
    step = (high - low) / levels
    inside = (outside == 0) & (centres != 0)
    return float((counts * outside**2).sum() + counts[inside].sum() * step**2 / 12)


def _entropy(histogram: Histogram, recipe: ActivationRecipe) -> Range:
    """Least Kullback-Leibler divergence after clipping and rounding to 2^bits levels.

    S. Migacz, "8-bit inference with TensorRT", GTC 2017.
    """
    levels = min(2**recipe.bits, 256)
    return min(_candidates(histogram), key=lambda r: _divergence(histogram, r, levels))


def _divergence(histogram: Histogram, kept: Range, levels: int) -> float:
    low, high = kept
    centres, counts = histogram.centres, histogram.counts.astype(np.float64)
    inside = (centres >= low) & (centres <= high)
    clipped = counts[inside].copy()
    if clipped.size < 2:
        return float("inf")
    original = clipped.copy()
    original[0] += counts[centres < low].sum()
    original[-1] += counts[centres > high].sum()
    rounded = _spread_over_levels(clipped, levels)
    return _kullback_leibler(original, rounded)


def _spread_over_levels(counts: NDArray[np.float64], levels: int) -> NDArray[np.float64]:
    """Counts after rounding: each level's total, spread over its non-empty bins."""
    level = np.arange(counts.size) * levels // counts.size
    total = np.bincount(level, counts, levels)
    filled = np.bincount(level, counts > 0, levels)
    share = np.divide(total, filled, out=np.zeros(levels), where=filled > 0)
    return np.where(counts > 0, share[level], 0.0)


def _kullback_leibler(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    p, q = p / p.sum(), q / max(q.sum(), 1.0)
    seen = p > 0
    return float((p[seen] * np.log(p[seen] / np.maximum(q[seen], 1e-12))).sum())


METHODS: Mapping[str, Callable[[Histogram, ActivationRecipe], Range]] = {
    "minmax": _minmax,
    "percentile": _percentile,
    "mse": _mse,
    "entropy": _entropy,
}
