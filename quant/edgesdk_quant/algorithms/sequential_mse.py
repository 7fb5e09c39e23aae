"""Sequential MSE: layer after layer, the step of each channel that harms the layer's output least.

The search of AIMET ("Sequential MSE", Qualcomm AI Model Efficiency Toolkit) over shares of the
channel's step, by ||X w - X w~||^2 with the inputs X that the quantized layers before give; written
as (w - w~) E[x x^T] (w - w~)^T (as in equation 13 of Nagel et al. 2020).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from edgesdk_quant.algorithms.layer_input import Matrix, Seen
from edgesdk_quant.algorithms.layer_rounding import Grid, round_layers
from edgesdk_quant.algorithms.reconstruction import Rounded, Step
from edgesdk_quant.blocks import Block
from edgesdk_quant.placement import WeightSite
from edgesdk_quant.progress import Progress

# The steps that come in are those of least weight error.
FACTORS = np.linspace(0.7, 1.3, 25)


@dataclass(frozen=True)
class SequentialMse:
    """Chooses the steps of each layer by its output."""

    @property
    def task(self) -> str:
        return "choosing steps by sequential MSE"

    def units(self, block: Block) -> int:
        return len(block.sites)

    def round(self, step: Step, progress: Progress) -> dict[WeightSite, Rounded]:
        return round_layers(step, progress, best_steps)


def best_steps(rows: Matrix, grid: Grid, seen: Seen, name: str) -> tuple[Matrix, Matrix]:
    """Rounded rows, and the factor of each row's steps [G, O, 1]."""
    best, factors = grid.round(rows), np.ones((*rows.shape[:2], 1))
    second = seen.whole.second
    least = _errors(rows - best, second)
    for factor in FACTORS:
        # The stored scale is float32, and so is the step that is tried.
        tried = replace(grid, steps=(grid.steps * factor).astype(np.float32).astype(np.float64))
        rounded = tried.round(rows)
        error = _errors(rows - rounded, second)
        better = error < least
        best[better], factors[better], least[better] = rounded[better], factor, error[better]
    return best, factors


def _errors(difference: Matrix, second: Matrix) -> Matrix:
    """float64 [G, O]: power of each output's error."""
    return np.asarray(np.einsum("gok,gok->go", difference @ second, difference))
