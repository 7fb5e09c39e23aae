"""Values that the recipe's width cannot hold: one outlier takes the range from all others.

In transformers single elements are a hundred times larger than the rest (Bondarenko et al. 2021,
"Understanding and Overcoming the Challenges of Efficient Transformer Quantization", section 3;
Sun et al. 2024, "Massive Activations in Large Language Models"). Such a value stays float. So does
a Softmax over so many elements that the step of 1/256, which kernels fix, leaves nothing of them:
then its float result is stored with a step of its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from edgesdk_quant.calibration.histogram import Histogram
from edgesdk_quant.placement import Group
from edgesdk_quant.scheme import Affine


def expected_sqnr(histogram: Histogram, parameters: Affine) -> float:
    """Signal to quantization noise of the calibration data in dB; inf without noise or data."""
    used = histogram.counts > 0
    values, counts = histogram.centers()[used], histogram.counts[used].astype(np.float64)
    noise = float(counts @ np.square(parameters.round_trip(values) - values))
    signal = float(counts @ np.square(values))
    return 10 * math.log10(signal / noise) if noise and signal else math.inf


def too_coarse(
    parameters: Mapping[Group, Affine], merged: Mapping[Group, Histogram], least_db: float
) -> dict[str, float]:
    """Values of the groups below `least_db` -> their expected SQNR in dB.

    Args:
        parameters: of each group.
        merged: what all values of such a group were, together.
        least_db: 0 finds none.
    """
    found: dict[str, float] = {}
    for group, histogram in merged.items():
        sqnr = expected_sqnr(histogram, parameters[group])
        if sqnr < least_db:
            found.update(dict.fromkeys(group.values, sqnr))
    return found
