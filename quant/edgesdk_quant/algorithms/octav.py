"""OCTAV: the clipping point of least squared error, by Newton's recursion.

Sakr et al. 2022, "Optimal Clipping and Magnitude-aware Differentiation for Improved
Quantization-aware Training", equation 6: with B bits,
s' = E[|x| 1(|x| > s)] / (4^-B / 3 * E[1(0 < |x| <= s)] + E[1(|x| > s)]).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ITERATIONS = 20


def clipping_point(rows: NDArray[np.float64], bits: int) -> NDArray[np.float64]:
    """The magnitude at which each row is best clipped.

    Args:
        rows: float64 [R, K].
        bits: width of what is stored.

    Returns:
        float64 [R], at most the largest magnitude of the row.
    """
    magnitude = np.abs(rows)
    largest = magnitude.max(axis=1)
    clip = magnitude.mean(axis=1)
    for _ in range(ITERATIONS):
        beyond = magnitude > clip[:, None]
        inside = (magnitude > 0) & ~beyond
        weight = 4.0**-bits / 3 * inside.sum(axis=1) + beyond.sum(axis=1)
        total = (magnitude * beyond).sum(axis=1)
        clip = np.divide(total, weight, out=np.zeros_like(total), where=weight > 0)
    return np.asarray(np.minimum(clip, largest))
