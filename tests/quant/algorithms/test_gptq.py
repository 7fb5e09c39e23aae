"""GPTQ and sequential MSE against slow references."""

from __future__ import annotations

import numpy as np

from edgesdk_quant.algorithms.gptq import DAMPING, round_by_hessian, shrunk
from edgesdk_quant.algorithms.layer_input import Moments, Seen
from edgesdk_quant.algorithms.layer_rounding import Grid
from edgesdk_quant.algorithms.sequential_mse import best_steps

RNG = np.random.default_rng(0)


def layer(depth: int = 24, units: int = 5, rows: int = 400) -> tuple[np.ndarray, np.ndarray, Grid]:
    """Weights [1, units, depth], correlated inputs' second moments, and a 4-bit grid."""
    weight = RNG.normal(size=(1, units, depth))
    x = RNG.normal(size=(rows, depth)) @ RNG.normal(size=(depth, depth))
    steps = np.abs(weight).max(axis=2, keepdims=True) / 7 * np.ones_like(weight)
    return weight, (x.T @ x)[None] / rows, Grid(steps, np.zeros_like(weight), -8, 7)


def error(difference: np.ndarray, hessian: np.ndarray) -> float:
    return float(np.einsum("gok,gkl,gol->", difference, hessian, difference))


def slow_gptq(weight: np.ndarray, hessian: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Equations 2 and 3 of the paper: the inverse is updated by Gaussian elimination."""
    h = hessian + DAMPING * np.diag(hessian).mean() * np.eye(len(hessian))
    order = np.argsort(-np.diag(hessian), kind="stable")
    left, work, inverse = list(order), weight.copy(), np.linalg.inv(h)
    found = np.empty_like(weight)
    for q in order:
        found[:, q] = np.clip(np.rint(work[:, q] / step[:, q]), -8, 7) * step[:, q]
        loss = (work[:, q] - found[:, q]) / inverse[q, q]
        work -= np.outer(loss, inverse[q])
        work[:, [i for i in range(len(h)) if i not in left]] = 0
        inverse = inverse - np.outer(inverse[:, q], inverse[q]) / inverse[q, q]
        left.remove(q)
    return found


def test_columns_are_rounded_as_by_the_papers_equations() -> None:
    weight, hessian, grid = layer()
    ours = round_by_hessian(weight, grid, hessian)
    assert np.allclose(ours[0], slow_gptq(weight[0], hessian[0], grid.steps[0]))


def test_the_output_error_is_far_below_that_of_rounding_to_nearest() -> None:
    weight, hessian, grid = layer(depth=48)
    ours = error(round_by_hessian(weight, grid, hessian) - weight, hessian)
    assert ours < 0.5 * error(grid.round(weight) - weight, hessian)


def few_rows(rows: int, depth: int = 48) -> tuple[np.ndarray, np.ndarray]:
    """E[x x^T] of independent channels as so many rows show it, and as it is."""
    deviation = RNG.uniform(0.1, 10, depth)
    x = RNG.normal(size=(rows, depth)) * deviation
    return x.T @ x / rows, np.diag(deviation**2)


def test_few_rows_of_independent_channels_do_not_make_it_worse_than_rounding_to_nearest() -> None:
    weight, _, grid = layer(depth=48)
    estimate, truth = few_rows(96)
    nearest = error(grid.round(weight) - weight, truth[None])
    raw = error(round_by_hessian(weight, grid, estimate[None]) - weight, truth[None])
    ours = error(round_by_hessian(weight, grid, shrunk(estimate, 96)[None]) - weight, truth[None])
    assert raw > 1.2 * nearest
    assert ours < 1.05 * nearest


def test_many_rows_leave_the_hessian_as_it_is() -> None:
    _, hessian, _ = layer(depth=48)
    assert np.abs(shrunk(hessian[0], 10**6) - hessian[0]).max() < 1e-3 * np.abs(hessian).max()


def test_sequential_mse_finds_the_best_factor_of_a_fine_search() -> None:
    weight, hessian, grid = layer()
    zero = np.zeros((1, 24))
    seen = Seen(Moments(hessian, zero, hessian, zero, 400))
    rounded, factors = best_steps(weight, grid, seen, "layer")
    tried = []
    for factor in np.linspace(0.7, 1.3, 25):
        own = Grid(grid.steps * factor, grid.zeros, -8, 7).round(weight)
        tried.append([error((own - weight)[:, [i]], hessian) for i in range(5)])
    ours = [error((rounded - weight)[:, [i]], hessian) for i in range(5)]
    assert np.allclose(ours, np.min(tried, axis=0), rtol=1e-4)
    assert factors.shape == (1, 5, 1)
