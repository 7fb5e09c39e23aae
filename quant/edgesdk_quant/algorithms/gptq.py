"""GPTQ: round column after column, and let the columns that follow make up for the error.

Frantar et al. 2023, "GPTQ: Accurate Post-Training Quantization for Generative Pre-trained
Transformers", equations 2 and 3 with the Cholesky form of algorithm 1; the columns go by falling
diagonal of the Hessian ("act-order" of the authors' code); the damping is 1 % of its mean, and
correlations that few rows show by chance are shrunk.
"""

from __future__ import annotations

import numpy as np

from edgesdk_quant.algorithms.layer_input import Matrix
from edgesdk_quant.algorithms.layer_rounding import Grid

DAMPING = 0.01
LAZY = 128  # columns that are rounded before the rest hears of it


def shrunk(hessian: Matrix, rows: int) -> Matrix:
    """Off-diagonal elements less what chance alone gives them in so few rows.

    Chen et al. 2010, "Shrinkage Algorithms for MMSE Covariance Estimation", equation 23 (OAS), of
    the correlations. Without it few rows make GPTQ worse than rounding to nearest.

    Args:
        hessian: float64 [K, K], E[x x^T].
        rows: how many it is the mean of.
    """
    deviation = np.sqrt(np.maximum(np.diag(hessian), 1e-30))
    correlation = hessian / np.outer(deviation, deviation)
    size, power = len(hessian), float(np.square(correlation).sum())
    trace = float(np.trace(correlation))
    numerator = (1 - 2 / size) * power + trace**2
    denominator = (rows + 1 - 2 / size) * (power - trace**2 / size)
    share = min(1.0, numerator / denominator) if denominator > 0 else 1.0
    kept = (1 - share) * hessian
    np.fill_diagonal(kept, np.diag(hessian))
    return np.asarray(kept)


def round_by_hessian(rows: Matrix, grid: Grid, hessian: Matrix, damping: float = DAMPING) -> Matrix:
    """Rounded weights.

    Args:
        rows: float64 [G, O, K].
        grid: of these rows.
        hessian: float64 [G, K, K], E[x x^T].
        damping: what is added to its diagonal, as a share of the diagonal's mean.
    """
    pairs = zip(rows, grid.steps, grid.zeros, hessian, strict=True)
    return np.stack(
        [_group(w, Grid(s, z, grid.low, grid.high), h, damping) for w, s, z, h in pairs]
    )


def _group(rows: Matrix, grid: Grid, hessian: Matrix, damping: float) -> Matrix:
    order = np.argsort(-np.diag(hessian), kind="stable")
    upper = _inverse_factor(hessian[np.ix_(order, order)], damping)
    work = rows[:, order].copy()
    ordered = Grid(grid.steps[:, order], grid.zeros[:, order], grid.low, grid.high)
    found = np.empty_like(work)
    for start in range(0, work.shape[1], LAZY):
        part = slice(start, min(start + LAZY, work.shape[1]))
        found[:, part], errors = _columns(work[:, part], ordered, part, upper[part, part])
        work[:, part.stop :] -= errors @ upper[part, part.stop :]
    return found[:, np.argsort(order)]


def _columns(work: Matrix, grid: Grid, part: slice, upper: Matrix) -> tuple[Matrix, Matrix]:
    """Round some columns one by one; later ones outside of them are told the errors at the end.

    ("Lazy batch updates", section 3.3: the same result with less traffic of memory.)
    """
    steps, zeros = grid.steps[:, part], grid.zeros[:, part]
    found, errors = np.empty_like(work), np.empty_like(work)
    for column in range(work.shape[1]):
        own = Grid(steps[:, column], zeros[:, column], grid.low, grid.high)
        found[:, column] = own.round(work[:, column])
        errors[:, column] = (work[:, column] - found[:, column]) / upper[column, column]
        work[:, column + 1 :] -= np.outer(errors[:, column], upper[column, column + 1 :])
    return found, errors


def _inverse_factor(hessian: Matrix, damping: float) -> Matrix:
    """Upper Cholesky factor of the damped Hessian's inverse."""
    added = damping * max(float(np.diag(hessian).mean()), 1e-12)
    damped = hessian + added * np.eye(len(hessian))
    return np.ascontiguousarray(np.linalg.cholesky(np.linalg.inv(damped)).T)
