"""Range by least loss of information between the values and their quantized distribution.

Method: Migacz, "8-bit Inference with TensorRT" (GTC 2017): for each range, the Kullback-Leibler
divergence of the clipped distribution P from Q, which is P merged into the stored levels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgesdk_quant.calibration.candidates import FRACTIONS
from edgesdk_quant.calibration.histogram import Histogram

# Estimated on 8-bit levels; with 16 bits every bin has its own level and none is lost.
LEVELS = 256
SMALLEST = 1e-12


def find_range(histogram: Histogram) -> tuple[float, float]:
    """The range, both extremes shrunk alike, with the least divergence."""
    centers = histogram.centers()
    low, high = min(histogram.low, 0.0), max(histogram.high, 0.0)
    divergences = [
        _divergence(histogram.counts, centers, low * fraction, high * fraction)
        for fraction in FRACTIONS
    ]
    best = FRACTIONS[int(np.argmin(divergences))]
    return low * float(best), high * float(best)


def _divergence(
    counts: NDArray[np.int64], centers: NDArray[np.float64], low: float, high: float
) -> float:
    inside = (centers >= low) & (centers <= high)
    if not inside.any():
        return np.inf
    kept = counts[inside].astype(np.float64)
    reference = kept.copy()  # P: what is clipped piles up at the ends
    reference[0] += counts[centers < low].sum()
    reference[-1] += counts[centers > high].sum()
    width = max(high - low, np.finfo(np.float64).tiny)
    level = np.minimum((centers[inside] - low) / width * LEVELS, LEVELS - 1).astype(np.int64)
    used = kept > 0
    members = np.bincount(level, weights=used, minlength=LEVELS)
    total = np.bincount(level, weights=kept, minlength=LEVELS)
    share = np.divide(total, members, out=np.zeros(LEVELS), where=members > 0)
    quantized = np.where(used, share[level], 0.0)  # Q: each level spread over its used bins
    return _kullback_leibler(reference, quantized)


def _kullback_leibler(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    if p.sum() == 0 or q.sum() == 0:
        return np.inf
    p, q = p / p.sum(), np.maximum(q / q.sum(), SMALLEST)
    some = p > 0
    return float(np.sum(p[some] * np.log(p[some] / q[some])))
