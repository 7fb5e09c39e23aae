"""GPTQ as a step of the reconstruction: how it goes about a layer is chosen on held-out samples.

A layer shall give W x, with the x of the float model, and gets x~ from the rounded layers before
it. Li et al. 2025, "GPTAQ: Efficient Finetuning-Free Quantization for Asymmetric Calibration", let
the weights take that error back; here by least squares: ||W x - W' x~||^2 is least at
W' = W E[x x~^T] E[x~ x~^T]^-1, which is rounded in place of W. What few samples say of it need not
hold for others, and no more what GPTQ does without damping.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from edgesdk_quant.algorithms.gptq import DAMPING, round_by_hessian, shrunk
from edgesdk_quant.algorithms.layer_input import Matrix, Moments, Seen
from edgesdk_quant.algorithms.layer_rounding import Grid, round_layers
from edgesdk_quant.algorithms.reconstruction import Rounded, Step
from edgesdk_quant.blocks import Block
from edgesdk_quant.placement import WeightSite
from edgesdk_quant.progress import Progress
from edgesdk_runtimes.errors import InputError

# The Hessian must rest on at least this many rows for each of its columns; damping does the rest.
FEWEST_ROWS = 1 / 32
# With more columns each try would take minutes.
MOST_TRIED = 2048


@dataclass(frozen=True)
class Choice:
    """How a layer is rounded.

    Attributes:
        damping: what is added to the Hessian's diagonal, as a share of its mean.
        share: how much of what least squares would change of the weights is changed.
    """

    damping: float
    share: float = 0.0


# Of some networks all of it shrinks what they say of new samples; held-out ones say where.
SHARES = (0.0, 0.5, 1.0)


@dataclass(frozen=True)
class Gptq:
    """Rounds each layer by the Hessian of its inputs.

    Attributes:
        dampings: what is tried; the first is taken where no samples are held out or a layer is too
            deep to try.
    """

    dampings: tuple[float, ...] = (DAMPING, 0.1, 1.0)

    @property
    def task(self) -> str:
        return "rounding by GPTQ"

    def units(self, block: Block) -> int:
        return len(block.sites)

    def round(self, step: Step, progress: Progress) -> dict[WeightSite, Rounded]:
        samples = step.prefix.samples

        def by_hessian(rows: Matrix, grid: Grid, seen: Seen, name: str) -> tuple[Matrix, Matrix]:
            _refuse_too_few(rows.shape[-1], seen.whole.rows, samples, name)
            return self.rounded(rows, grid, seen, name)

        return round_layers(step, progress, by_hessian)

    def rounded(
        self, rows: Matrix, grid: Grid, seen: Seen, _name: str = ""
    ) -> tuple[Matrix, Matrix]:
        """Rounded rows, and the factor of each row's steps [G, O, 1], which is 1.

        Of few rows little but the diagonal is left of the Hessian: then the nearest are not far.
        """
        choice = Choice(self.dampings[0])
        if seen.held_out is not None and rows.shape[-1] <= MOST_TRIED:
            choice = best_choice(rows, grid, seen.known, seen.held_out, self.dampings)
        return round_so(rows, grid, seen.whole, choice), np.ones((*rows.shape[:2], 1))


def best_choice(
    rows: Matrix, grid: Grid, known: Moments, held_out: Moments, dampings: tuple[float, ...]
) -> Choice:
    """What leaves the least error on the held-out samples: the share first, then the damping."""
    errors: dict[Choice, float] = {}

    def best(choices: list[Choice]) -> Choice:
        for choice in choices:
            if choice not in errors:
                errors[choice] = error_of(rows, round_so(rows, grid, known, choice), held_out)
        return min(choices, key=errors.__getitem__)

    found = best([Choice(dampings[0], share) for share in SHARES])
    return best([replace(found, damping=damping) for damping in dampings])


def error_of(rows: Matrix, rounded: Matrix, seen: Moments) -> float:
    """E ||W x - W~ x~||^2 without E ||W x||^2, the same for all W~."""
    own = np.einsum("gok,gok->", rounded @ seen.harm, rounded)
    return float(own - 2 * np.einsum("gok,gok->", rows @ seen.shared, rounded))


def round_so(rows: Matrix, grid: Grid, seen: Moments, choice: Choice) -> Matrix:
    """Rounded weights [G, O, K]."""
    hessian = np.stack([shrunk(h, seen.rows) for h in seen.harm])
    if choice.share:
        rows = _moved(rows, hessian, choice.share * (seen.shared - seen.harm), choice.damping)
    return round_by_hessian(rows, grid, hessian, choice.damping)


def _moved(rows: Matrix, hessian: Matrix, change: Matrix, damping: float) -> Matrix:
    """W (H + change) H^-1, H damped: near W where the inputs do not say otherwise."""
    level = np.maximum(np.einsum("gkk->gk", hessian).mean(axis=1), 1e-12)
    damped = hessian + damping * level[:, None, None] * np.eye(hessian.shape[-1])
    shift = np.linalg.solve(damped, np.swapaxes(rows @ change, 1, 2))
    return np.asarray(rows + np.swapaxes(shift, 1, 2))


def _refuse_too_few(depth: int, rows: int, samples: int, name: str) -> None:
    if rows < depth * FEWEST_ROWS:
        each = max(rows // max(samples, 1), 1)
        needed = int(np.ceil(depth * FEWEST_ROWS / each))
        raise InputError(
            f"GPTQ estimates a {depth} x {depth} Hessian for {name}, and {samples} samples give it "
            f"only {rows} rows. Give at least {needed} samples, or choose rounding = "
            '"sequential_mse", which needs none of it.'
        )
