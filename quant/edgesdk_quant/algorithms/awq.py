"""AWQ: scale the channels of a layer's input so that the weights that matter most are rounded best.

Lin et al. 2023, "AWQ: Activation-aware Weight Quantization for LLM Compression and Acceleration",
equations 4 and 5: s = s_X^alpha with s_X the mean magnitude of each input channel; alpha is the one
of a grid for which ||Q(W diag(s)) (diag(s)^-1 X) - W X|| is least.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from edgesdk_quant.algorithms.input_scaling import SharedInput, scale_input
from edgesdk_quant.calibration.row_sample import RowSample
from edgesdk_quant.progress import Progress

Matrix = NDArray[np.float64]
# (weights [C, units], name of the layer's node) -> what is left of them after rounding.
Round = Callable[[Matrix, str], Matrix]

ALPHAS = np.linspace(0.0, 1.0, 11)
# A product in front of the layers must spare at least this share of the error power.
WORTH = 0.02


def scale_by_activations(
    shared: Sequence[SharedInput],
    seen: Mapping[str, RowSample],
    round_trip: Round,
    progress: Progress,
) -> dict[str, float]:
    """Scale the inputs of linear layers, in place; the float results stay.

    Args:
        shared: inputs and the layers that read them.
        seen: name of an input -> its statistics.
        round_trip: rounds a layer's weights to nearest.
        progress: told after each input.

    Returns:
        Name of each input that was scaled -> its alpha.
    """
    progress.start("scaling by activations", len(shared), "inputs")
    found = {}
    for inputs in shared:
        sample = seen[inputs.name]
        alpha, share = best_alpha(inputs, sample, round_trip)
        if share < 1 - (0 if inputs.merges else WORTH):
            scale_input(inputs, scales(sample.mean_magnitude, alpha))
            found[inputs.name] = alpha
        progress.advance()
    progress.finish()
    return found


def best_alpha(inputs: SharedInput, sample: RowSample, round_trip: Round) -> tuple[float, float]:
    """The alpha of least output error, and that error as a share of the unscaled one."""
    weights, rows = inputs.weights(), sample.rows.astype(np.float64)
    errors = []
    for alpha in ALPHAS:
        scale = scales(sample.mean_magnitude, alpha)[:, None]
        rounded = [
            round_trip(w * scale, str(layer.node.name)) / scale
            for w, layer in zip(weights, inputs.layers, strict=True)
        ]
        pairs = zip(rounded, weights, strict=True)
        errors.append(sum(float(np.square(rows @ (r - w)).sum()) for r, w in pairs))
    least = int(np.argmin(errors))
    return float(ALPHAS[least]), errors[least] / max(errors[0], np.finfo(float).tiny)


def scales(magnitude: Matrix, alpha: float) -> Matrix:
    """float64 [C]: magnitude^alpha, with the smallest and the largest as far from 1."""
    known = np.maximum(magnitude, 1e-4 * max(float(magnitude.max(initial=0.0)), 1e-12))
    powers = known**alpha
    return np.asarray(powers / np.sqrt(powers.max() * powers.min()))
