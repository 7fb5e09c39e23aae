"""SmoothQuant: move the outliers of activations, which one scale must span, into the weights.

Xiao et al. 2022, "SmoothQuant: Accurate and Efficient Post-Training Quantization for Large Language
Models", equation 4: s_j = max|X_j|^alpha / max|W_j|^(1 - alpha) for each input channel j; inputs
are divided by it and weights multiplied (equation 3). As there, inputs are those that a
LayerNormalization makes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from edgesdk_quant.algorithms.input_scaling import SharedInput, scale_input
from edgesdk_quant.calibration.row_sample import RowSample

Matrix = NDArray[np.float64]

ALPHA = 0.5  # the paper's choice for most models
SMALLEST = 1e-5  # of a magnitude, relative to the largest; a channel of zeros has none of its own


def smooth(shared: Sequence[SharedInput], seen: Mapping[str, RowSample]) -> list[str]:
    """Scale the inputs of linear layers, in place; the float results stay.

    Args:
        shared: inputs and the layers that read them.
        seen: name of an input -> its statistics.

    Returns:
        Names of the products that were put in front of layers.
    """
    added = []
    for inputs in shared:
        weights = np.max([np.abs(w).max(axis=1) for w in inputs.weights()], axis=0)
        name = scale_input(inputs, scales(seen[inputs.name].largest, weights))
        added += [name] if name else []
    return added


def scales(activations: NDArray[np.floating], weights: Matrix, alpha: float = ALPHA) -> Matrix:
    """Equation 4.

    Args:
        activations: [C], largest magnitude of each channel.
        weights: float64 [C], largest magnitude of the weights that read it.
        alpha: how much of the difficulty the weights take over.

    Returns:
        float64 [C].
    """
    return _known(activations) ** alpha / _known(weights) ** (1 - alpha)


def _known(magnitude: NDArray[np.floating]) -> Matrix:
    exact = np.asarray(magnitude, np.float64)
    return np.asarray(np.maximum(exact, SMALLEST * max(float(exact.max(initial=0.0)), 1e-30)))
